//! The numbers received of one boot, as intervals. Pure.
//!
//! An agent numbers its reports without gaps, so the usual boot is one interval however long it
//! lasts; gaps come from what its spool evicted and what was refused.

use wire::UnixMillis;

/// Intervals one boot may have. A gap is something lost; an agent that loses its reports a
/// thousand times apart is out of order, and its memory here must stay bounded.
pub(super) const INTERVALS_PER_BOOT: usize = 1024;

/// Received numbers without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// When the earliest of these reports was taken, where that is known.
    pub first_at: Option<UnixMillis>,
    /// When the latest of these reports was taken, where that is known.
    pub last_at: Option<UnixMillis>,
}

/// Intervals in rising order, never touching one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Intervals(Vec<Interval>);

/// What became of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is new. The intervals that begin at these numbers came, changed or went.
    New([u64; 2]),
    /// It was there before.
    Duplicate,
    /// It would begin one interval too many.
    TooManyGaps,
}

impl Intervals {
    /// Intervals as they were stored, in rising order.
    #[must_use]
    pub(super) fn from_rows(rows: Vec<Interval>) -> Self {
        Self(rows)
    }

    /// The interval that begins at this number.
    #[must_use]
    pub(super) fn beginning_at(&self, first: u64) -> Option<&Interval> {
        self.0.binary_search_by_key(&first, |interval| interval.first).ok().map(|i| &self.0[i])
    }

    /// Takes a number and the moment its report was taken.
    pub(super) fn take(&mut self, seq: u64, at: Option<UnixMillis>) -> Taken {
        let place = self.0.partition_point(|interval| interval.last < seq);
        let right = self.0.get(place).map(|interval| interval.first);
        if right.is_some_and(|first| first <= seq) {
            return Taken::Duplicate;
        }
        let touches_right = right.is_some_and(|first| first - 1 == seq);
        let left = place.checked_sub(1).filter(|&left| self.0[left].last + 1 == seq);
        match (left, touches_right) {
            (Some(left), true) => {
                let gone = self.0.remove(place);
                let interval = &mut self.0[left];
                interval.last = gone.last;
                interval.stretch(gone.first_at);
                interval.stretch(gone.last_at);
                interval.stretch(at);
                Taken::New([interval.first, gone.first])
            }
            (Some(left), false) => {
                let interval = &mut self.0[left];
                interval.last = seq;
                interval.stretch(at);
                Taken::New([interval.first; 2])
            }
            (None, true) => {
                let interval = &mut self.0[place];
                let was = interval.first;
                interval.first = seq;
                interval.stretch(at);
                Taken::New([seq, was])
            }
            (None, false) if self.0.len() >= INTERVALS_PER_BOOT => Taken::TooManyGaps,
            (None, false) => {
                let alone = Interval { first: seq, last: seq, first_at: at, last_at: at };
                self.0.insert(place, alone);
                Taken::New([seq; 2])
            }
        }
    }
}

impl Interval {
    fn stretch(&mut self, at: Option<UnixMillis>) {
        // Numbers and moments of one boot rise together, but for a clock that was set back a
        // moment of an inner report may lie outside its neighbours.
        if let Some(at) = at {
            self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
            self.last_at = Some(self.last_at.map_or(at, |last| last.max(at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What the intervals of a set of numbers must be.
    fn model(taken: &BTreeMap<u64, UnixMillis>) -> Vec<Interval> {
        let mut intervals: Vec<Interval> = Vec::new();
        for (&seq, &at) in taken {
            match intervals.last_mut() {
                Some(interval) if interval.last + 1 == seq => {
                    interval.last = seq;
                    interval.first_at = interval.first_at.min(Some(at));
                    interval.last_at = interval.last_at.max(Some(at));
                }
                _ => intervals.push(Interval {
                    first: seq,
                    last: seq,
                    first_at: Some(at),
                    last_at: Some(at),
                }),
            }
        }
        intervals
    }

    proptest! {
        #[test]
        fn intervals_are_what_a_set_would_be(
            numbers in prop::collection::vec((1_u64..60, 0_i64..1000), 0..200),
        ) {
            let mut intervals = Intervals::default();
            let mut set = BTreeMap::new();
            for (seq, at) in numbers {
                let new = !set.contains_key(&seq);
                let before = intervals.clone();
                let taken = intervals.take(seq, Some(at));
                prop_assert_eq!(matches!(taken, Taken::New(_)), new);
                set.entry(seq).or_insert(at);
                prop_assert_eq!(&intervals.0, &model(&set));
                // Whatever differs begins at one of the numbers it named.
                if let Taken::New(firsts) = taken {
                    for first in 0..=61 {
                        let same = before.beginning_at(first) == intervals.beginning_at(first);
                        prop_assert!(same || firsts.contains(&first));
                    }
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_numbers_hold() {
        let mut intervals = Intervals::default();
        for seq in [u64::MAX, 0, u64::MAX - 1, 1] {
            assert!(matches!(intervals.take(seq, None), Taken::New(_)), "{seq}");
            assert_eq!(intervals.take(seq, None), Taken::Duplicate, "{seq}");
        }
        assert_eq!(intervals.0.len(), 2);
    }

    #[test]
    fn gaps_are_bounded_and_filling_them_makes_room() {
        let mut intervals = Intervals::default();
        for n in 0..INTERVALS_PER_BOOT as u64 {
            assert!(matches!(intervals.take(n * 2, None), Taken::New(_)));
        }
        let beyond = INTERVALS_PER_BOOT as u64 * 2;
        assert_eq!(intervals.take(beyond, None), Taken::TooManyGaps);
        assert!(matches!(intervals.take(1, None), Taken::New(_)));
        assert!(matches!(intervals.take(beyond, None), Taken::New(_)));
    }
}
