//! The hours in which Windows does not restart by itself to finish an update. Pure.

/// From and to which hour of the day, by the PC's own clock; they may lie around midnight.
pub(super) type Hours = (u32, u32);

/// What Windows does where nobody has set them (Microsoft: "Manage device restarts after updates").
const BY_DEFAULT: Hours = (8, 17);

const HOUR_SECONDS: u32 = 3600;
const DAY_SECONDS: u32 = 24 * HOUR_SECONDS;

/// What is set; a number that is no hour is set by nobody.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settings {
    /// By an administrator's policy.
    pub(super) policy: Option<(u64, u64)>,
    /// By Windows itself, from when the PC is used, where it was let.
    pub(super) learnt: Option<(u64, u64)>,
    /// By somebody at the PC.
    pub(super) chosen: Option<(u64, u64)>,
}

/// Which of the settings counts.
pub(super) fn in_force(settings: Settings) -> Hours {
    let hours = |set: (u64, u64)| {
        let hour = |hour| u32::try_from(hour).ok().filter(|hour| *hour < 24);
        Some((hour(set.0)?, hour(set.1)?))
    };
    let all = [settings.policy, settings.learnt, settings.chosen];
    all.into_iter().flatten().find_map(hours).unwrap_or(BY_DEFAULT)
}

/// For how many seconds Windows still holds back at a second of the day; 0 outside the hours.
pub(super) fn holds_back_for((from, to): Hours, second_of_day: u32) -> u32 {
    let since = |hour: u32| (second_of_day + DAY_SECONDS - hour * HOUR_SECONDS) % DAY_SECONDS;
    let lasts = (to * HOUR_SECONDS + DAY_SECONDS - from * HOUR_SECONDS) % DAY_SECONDS;
    lasts.saturating_sub(since(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_overrules_and_nothing_set_is_the_day_of_an_office() {
        let set = Settings { policy: None, learnt: Some((9, 20)), chosen: Some((7, 18)) };
        for (settings, expected) in [
            (Settings::default(), (8, 17)),
            (set, (9, 20)),
            (Settings { policy: Some((6, 22)), ..set }, (6, 22)),
            (Settings { policy: Some((6, 24)), learnt: None, ..set }, (7, 18)),
            (Settings { policy: Some((u64::MAX, 1)), ..Settings::default() }, (8, 17)),
        ] {
            assert_eq!(in_force(settings), expected, "{settings:?}");
        }
    }

    #[test]
    fn within_its_hours_windows_holds_back_until_they_end() {
        let at = |hour: u32, minute: u32| hour * 3600 + minute * 60;
        for (hours, now, expected) in [
            ((8, 17), at(7, 59), 0),
            ((8, 17), at(8, 0), at(9, 0)),
            ((8, 17), at(16, 30), at(0, 30)),
            ((8, 17), at(17, 0), 0),
            ((20, 4), at(23, 0), at(5, 0)),
            ((20, 4), at(3, 0), at(1, 0)),
            ((20, 4), at(4, 0), 0),
            ((8, 8), at(8, 0), 0),
        ] {
            assert_eq!(holds_back_for(hours, now), expected, "{hours:?} at {now}");
        }
    }
}
