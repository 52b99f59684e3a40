//! Faults that a stranger can cause at will are said, but not as often as the stranger likes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two lines of one kind: a log of a day's attack stays within 9,000 lines.
const PAUSE: Duration = Duration::from_secs(10);

/// One kind of fault.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    /// Whether this one is to be said, with the number of those before it that were not.
    pub(crate) fn speak(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next.is_some_and(|next| now < next) {
            state.unsaid += 1;
            return None;
        }
        state.next = Some(now + PAUSE);
        Some(std::mem::take(&mut state.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_then_one_in_a_while_with_the_number_of_the_others() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let said: Vec<_> =
            [0, 1, 9, 10, 11, 60].map(|s| seldom.speak(start + Duration::from_secs(s))).into();
        assert_eq!(said, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
