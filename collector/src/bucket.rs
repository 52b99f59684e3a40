//! How fast something may be tried. Pure.

use std::time::{Duration, Instant};

/// What may be tried, and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    /// Attempts at once.
    pub(crate) burst: f64,
    /// Attempts a second after that.
    pub(crate) rate: f64,
}

/// A token bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    measure: Measure,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn full(measure: Measure, now: Instant) -> Self {
        Self { measure, tokens: measure.burst, at: now }
    }

    /// How long to wait until there may be an attempt; nothing where there may be one now.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.measure.rate).min(self.measure.burst);
        self.at = self.at.max(now);
        Duration::from_secs_f64((1.0 - self.tokens).max(0.0) / self.measure.rate)
    }

    /// One attempt; else how long to wait until there may be one.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let wait = self.wait(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.tokens -= 1.0;
        Ok(())
    }

    /// The attempt was a good one and does not count.
    pub(crate) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.measure.burst);
    }

    /// Whether it is as if nobody had ever tried.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.wait(now);
        self.tokens >= self.measure.burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURE: Measure = Measure { burst: 100.0, rate: 10.0 };

    #[test]
    fn a_burst_is_let_through_and_then_a_steady_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(MEASURE, start);
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
