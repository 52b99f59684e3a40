//! How much one site may send: token buckets. Pure.
//!
//! Generous on purpose: a backlog after an outage must drain, and only an agent gone wild or a
//! stolen credential ever meets these limits.

use std::collections::HashMap;

use wire::{SiteId, UnixMillis};

/// Requests a second, sustained. An agent in a meeting sends one each few seconds.
const BATCHES_PER_SECOND: f64 = 4.0;
/// Requests at once: an agent that drains its spool without a pause.
const BATCHES_BURST: f64 = 60.0;
/// Reports a second, sustained: a weekend's backlog at one each 15 s drains in half a minute,
/// and costs the collector a twentieth of a core while it does.
const REPORTS_PER_SECOND: f64 = 500.0;
/// Reports at once: a day's backlog.
const REPORTS_BURST: f64 = 6_000.0;

/// The buckets of every site that sent something.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<SiteId, Rate>);

#[derive(Debug)]
struct Rate {
    at: UnixMillis,
    batches: f64,
    reports: f64,
}

impl Rates {
    /// Admits a request, or says after how many seconds to come again.
    pub(super) fn admit(&mut self, site: &SiteId, now: UnixMillis) -> Result<(), u64> {
        let rate = self.0.entry(site.clone()).or_insert(Rate {
            at: now,
            batches: BATCHES_BURST,
            reports: REPORTS_BURST,
        });
        rate.refill(now);
        if rate.batches < 1.0 {
            return Err(wait(1.0 - rate.batches, BATCHES_PER_SECOND));
        }
        if rate.reports < 1.0 {
            return Err(wait(1.0 - rate.reports, REPORTS_PER_SECOND));
        }
        rate.batches -= 1.0;
        Ok(())
    }

    /// Charges the reports an admitted request turned out to hold. The debt of one batch is
    /// paid off before the next is admitted.
    pub(super) fn charge(&mut self, site: &SiteId, reports: usize) {
        if let Some(rate) = self.0.get_mut(site) {
            rate.reports -= reports as f64;
        }
    }
}

impl Rate {
    fn refill(&mut self, now: UnixMillis) {
        // A collector's clock set back must not freeze a bucket: time just begins anew there.
        let seconds = now.saturating_sub(self.at).max(0) as f64 / 1000.0;
        self.at = now;
        self.batches = (self.batches + seconds * BATCHES_PER_SECOND).min(BATCHES_BURST);
        self.reports = (self.reports + seconds * REPORTS_PER_SECOND).min(REPORTS_BURST);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive and small: a bucket's size over its rate"
)]
fn wait(missing: f64, per_second: f64) -> u64 {
    (missing / per_second).ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> SiteId {
        "th-0316".parse().unwrap()
    }

    #[test]
    fn an_ordinary_agent_never_meets_the_limit() {
        let mut rates = Rates::default();
        for second in 0..10_000 {
            assert_eq!(rates.admit(&site(), second * 1000), Ok(()));
            rates.charge(&site(), 1);
        }
    }

    #[test]
    fn a_weekends_backlog_drains_within_a_minute() {
        let mut rates = Rates::default();
        let (mut now, mut left) = (0, 3 * 24 * 240);
        while left > 0 {
            match rates.admit(&site(), now) {
                Ok(()) => {
                    rates.charge(&site(), 500.min(left));
                    left -= 500.min(left);
                }
                Err(seconds) => now += i64::try_from(seconds).unwrap() * 1000,
            }
            now += 100;
        }
        assert!(now < 60_000, "{now} ms");
    }

    #[test]
    fn an_agent_gone_wild_is_told_to_wait_and_others_are_not() {
        let mut rates = Rates::default();
        let admitted = (0..1000).filter(|_| rates.admit(&site(), 0).is_ok()).count();
        assert_eq!(admitted, 60);
        assert_eq!(rates.admit(&site(), 0), Err(1));
        assert_eq!(rates.admit(&"another".parse().unwrap(), 0), Ok(()));
        assert_eq!(rates.admit(&site(), 1000), Ok(()));
    }

    #[test]
    fn a_clock_set_back_does_not_lock_a_site_out() {
        let mut rates = Rates::default();
        while rates.admit(&site(), 1_000_000).is_ok() {}
        assert!(rates.admit(&site(), 0).is_err());
        assert!(rates.admit(&site(), 1000).is_ok());
    }
}
