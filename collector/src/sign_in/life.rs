//! How long a session lasts. Pure.

use wire::UnixMillis;

use crate::users::Role;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A session whose use was written down so recently is not written down again: a page looks each
/// few seconds, and each writing is a commit.
const WRITTEN_EVERY: i64 = MINUTE;

/// What a browser keeps its cookie for, in milliseconds; the store decides whether it still opens
/// anything.
pub(super) const LONGEST: i64 = 30 * DAY;

/// Somebody's sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// What its user may do now.
    pub role: Role,
    /// When its user signed in.
    pub begun_at: UnixMillis,
    /// When it was used last, within a minute.
    pub used_at: UnixMillis,
    /// Whether its user has signed out.
    pub ended: bool,
}

impl Session {
    /// From the sign-in to the end, however busy.
    fn whole(self) -> i64 {
        match self.role {
            // A screen on the wall is signed in once a month.
            Role::View => LONGEST,
            // A shift and its handover: who acts has shown who it is today.
            Role::Operate => 12 * HOUR,
        }
    }

    /// Without any use; an open board uses its session all the time.
    fn idle(self) -> i64 {
        match self.role {
            // A weekend with the screens switched off.
            Role::View => 3 * DAY,
            // A page that was closed and forgotten; a lunch is shorter.
            Role::Operate => HOUR,
        }
    }

    /// Whether it still opens the door.
    #[must_use]
    pub fn lives(self, now: UnixMillis) -> bool {
        // A clock that stepped back would stretch a session by its step; it ends one instead.
        let since = |at: UnixMillis, most: i64| {
            let age = now.saturating_sub(at);
            (-WRITTEN_EVERY..most).contains(&age)
        };
        !self.ended && since(self.begun_at, self.whole()) && since(self.used_at, self.idle())
    }

    /// Whether its use is to be written down.
    #[must_use]
    pub fn is_due(self, now: UnixMillis) -> bool {
        now.saturating_sub(self.used_at) >= WRITTEN_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_shift_or_when_nobody_uses_it() {
        use Role::{Operate, View};
        for (role, begun, used, ended, lives) in [
            (Operate, 0, 0, false, true),
            (Operate, HOUR - 1, HOUR - 1, false, true),
            (Operate, HOUR, HOUR, false, false),
            (Operate, 12 * HOUR - 1, 0, false, true),
            (Operate, 12 * HOUR, 0, false, false),
            (Operate, 0, 0, true, false),
            (View, 12 * HOUR, HOUR, false, true),
            (View, 4 * DAY, 3 * DAY - 1, false, true),
            (View, 4 * DAY, 3 * DAY, false, false),
            (View, 30 * DAY, 0, false, false),
            // The clock stepped back: a little is a correction, more is a doubt.
            (View, 1 - MINUTE, 1 - MINUTE, false, true),
            (View, -HOUR, -HOUR, false, false),
        ] {
            let session = Session { role, begun_at: -begun, used_at: -used, ended };
            assert_eq!(session.lives(0), lives, "{session:?}");
        }
        let session = Session { role: View, begun_at: 0, used_at: 0, ended: false };
        assert!(!session.is_due(MINUTE - 1) && session.is_due(MINUTE));
    }
}
