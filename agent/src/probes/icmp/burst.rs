//! The bookkeeping of one burst of echoes: what became of each. Pure.

use std::time::Duration;

/// One burst.
#[derive(Debug, Clone)]
pub(super) struct Burst {
    timeout: Duration,
    echoes: Vec<Echo>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    Unsent,
    Waiting,
    Undeliverable,
    Answered(Duration),
    /// Answered after the time-out.
    Late,
}

/// What a reply counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Received,
    Duplicate,
    Late,
    /// To something never asked.
    Foreign,
}

impl Burst {
    /// A burst of `count` echoes, each late after `timeout`.
    pub(super) fn new(count: u16, timeout: Duration) -> Self {
        Self { timeout, echoes: vec![Echo::Unsent; usize::from(count)] }
    }

    /// The request of that index left.
    pub(super) fn sent(&mut self, index: u16) {
        if let Some(echo @ Echo::Unsent) = self.echoes.get_mut(usize::from(index)) {
            *echo = Echo::Waiting;
        }
    }

    /// A reply to that index came after `rtt`.
    pub(super) fn reply(&mut self, index: u16, rtt: Duration) -> Counted {
        match self.echoes.get_mut(usize::from(index)) {
            None | Some(Echo::Unsent) => Counted::Foreign,
            Some(Echo::Answered(_) | Echo::Late) => Counted::Duplicate,
            Some(echo) if rtt <= self.timeout => {
                *echo = Echo::Answered(rtt);
                Counted::Received
            }
            Some(echo) => {
                *echo = Echo::Late;
                Counted::Late
            }
        }
    }

    /// An ICMP error says that the request of that index does not arrive. An answer that comes
    /// all the same is believed: it knows better.
    pub(super) fn undeliverable(&mut self, index: u16) {
        if let Some(echo @ Echo::Waiting) = self.echoes.get_mut(usize::from(index)) {
            *echo = Echo::Undeliverable;
        }
    }

    /// Whether all that were sent are settled, so that waiting longer brings nothing.
    pub(super) fn settled(&self) -> bool {
        !self.echoes.contains(&Echo::Waiting)
    }

    /// Requests that left.
    pub(super) fn requests(&self) -> usize {
        self.echoes.iter().filter(|echo| **echo != Echo::Unsent).count()
    }

    /// Requests that were answered in time.
    pub(super) fn answers(&self) -> usize {
        self.times().count()
    }

    /// Whether anything at all came back from the host, late replies too.
    pub(super) fn heard(&self) -> bool {
        self.echoes.iter().any(|echo| matches!(echo, Echo::Answered(_) | Echo::Late))
    }

    /// Requests of which an ICMP error said that they do not arrive.
    pub(super) fn undelivered(&self) -> usize {
        self.echoes.iter().filter(|echo| **echo == Echo::Undeliverable).count()
    }

    /// The share of requests without a reply in time; nothing if none left.
    pub(super) fn loss(&self) -> Option<f64> {
        let requests = self.requests();
        (requests > 0).then(|| (requests - self.answers()) as f64 / requests as f64)
    }

    /// The mean difference of successive round trip times in seconds, in the order of sending,
    /// lost ones left out; nothing with fewer than two.
    pub(super) fn jitter(&self) -> Option<f64> {
        let pairs = self.times().zip(self.times().skip(1));
        let (count, sum) =
            pairs.fold((0u32, 0.0), |(n, sum), (a, b)| (n + 1, sum + a.abs_diff(b).as_secs_f64()));
        (count > 0).then(|| sum / f64::from(count))
    }

    fn times(&self) -> impl Iterator<Item = Duration> {
        self.echoes.iter().filter_map(|echo| match echo {
            Echo::Answered(rtt) => Some(*rtt),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(2);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A burst of which the first `sent` of `count` requests have left.
    fn burst(count: u16, sent: u16) -> Burst {
        let mut burst = Burst::new(count, TIMEOUT);
        (0..sent).for_each(|index| burst.sent(index));
        burst
    }

    #[test]
    fn every_reply_counts_as_exactly_one_thing() {
        use Counted::{Duplicate, Foreign, Late, Received};
        type Steps = &'static [(u16, u64, Counted)];
        let table: [(&str, Steps); 7] = [
            ("in order", &[(0, 10, Received), (1, 10, Received)]),
            ("reordered", &[(1, 10, Received), (0, 900, Received)]),
            ("twice", &[(0, 10, Received), (0, 11, Duplicate), (0, 12, Duplicate)]),
            ("on the last moment, and just after", &[(0, 2000, Received), (1, 2001, Late)]),
            ("late, then again", &[(0, 2500, Late), (0, 2501, Duplicate)]),
            ("in time, its double late", &[(0, 10, Received), (0, 2500, Duplicate)]),
            ("never asked", &[(2, 10, Foreign), (9, 10, Foreign), (u16::MAX, 10, Foreign)]),
        ];
        for (what, steps) in table {
            let mut burst = burst(3, 2);
            for (index, rtt, counted) in steps {
                assert_eq!(burst.reply(*index, ms(*rtt)), *counted, "{what}: {index}");
            }
        }
    }

    #[test]
    fn a_late_reply_is_a_loss_but_a_sign_of_life() {
        let mut burst = burst(2, 2);
        burst.reply(0, ms(2500));
        assert_eq!((burst.answers(), burst.loss(), burst.heard()), (0, Some(1.0), true));
    }

    #[test]
    fn loss_is_of_what_was_sent() {
        assert_eq!(burst(4, 0).loss(), None, "nothing sent, nothing known");
        let mut burst = burst(4, 2);
        assert_eq!(burst.loss(), Some(1.0));
        burst.reply(1, ms(10));
        assert_eq!(burst.loss(), Some(0.5));
        assert!(!burst.settled());
        burst.undeliverable(0);
        assert!(burst.settled());
        assert_eq!((burst.undelivered(), burst.loss()), (1, Some(0.5)));
    }

    #[test]
    fn an_answer_knows_better_than_an_error() {
        let mut burst = burst(2, 2);
        burst.undeliverable(0);
        assert_eq!(burst.reply(0, ms(10)), Counted::Received);
        burst.reply(1, ms(10));
        burst.undeliverable(1);
        assert_eq!((burst.answers(), burst.undelivered()), (2, 0));
    }

    #[test]
    fn jitter_follows_the_order_of_sending() {
        let mut burst = burst(5, 5);
        assert_eq!(burst.jitter(), None);
        // Arrived out of order; the third is lost.
        for (index, rtt) in [(4, 20), (0, 10), (3, 14), (1, 12)] {
            burst.reply(index, ms(rtt));
        }
        // |12-10|, |14-12|, |20-14|
        let jitter = burst.jitter().unwrap();
        assert!((jitter - 0.010 / 3.0).abs() < 1e-12, "{jitter}");
    }

    proptest! {
        #[test]
        fn nothing_is_counted_twice(
            sent in 0..20u16,
            replies in prop::collection::vec((0..25u16, 0..4000u64), 0..200),
        ) {
            let mut burst = burst(20, sent);
            let (mut received, mut first) = (0, 0);
            for (index, rtt) in replies {
                match burst.reply(index, ms(rtt)) {
                    Counted::Received => { received += 1; first += 1 }
                    Counted::Late => first += 1,
                    Counted::Duplicate => {}
                    Counted::Foreign => prop_assert!(index >= sent),
                }
            }
            prop_assert_eq!(burst.answers(), received);
            prop_assert_eq!(burst.requests(), usize::from(sent));
            prop_assert!(first <= usize::from(sent));
            prop_assert!(burst.loss().is_none_or(|loss| (0.0..=1.0).contains(&loss)));
        }
    }
}
