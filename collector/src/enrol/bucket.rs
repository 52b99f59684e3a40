//! How fast codes may be tried, by everybody together. Pure.

use std::time::{Duration, Instant};

/// Attempts at once: a province whose PCs are all set up by one script.
const BURST: f64 = 100.0;

/// Attempts a second after that. Each costs a transaction of the store; guessing one of 2^80
/// secrets stays hopeless at any rate.
const RATE: f64 = 10.0;

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn full(now: Instant) -> Self {
        Self { tokens: BURST, at: now }
    }

    /// One attempt; else how long to wait until there may be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * RATE).min(BURST);
        self.at = self.at.max(now);
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / RATE));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_a_steady_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        let let_through = |bucket: &mut Bucket, millis| {
            let now = start + Duration::from_millis(millis);
            std::iter::repeat_with(|| bucket.take(now)).take_while(Result::is_ok).count()
        };
        assert_eq!(let_through(&mut bucket, 0), 100);
        assert_eq!(let_through(&mut bucket, 1010), 10);
        assert_eq!(let_through(&mut bucket, 1020), 0);
        assert_eq!(let_through(&mut bucket, 3_600_000), 100, "no more than a burst is saved up");
        let wait = bucket.take(start).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "a clock that steps back does no harm");
    }
}
