//! The meetings of the next day, worked out once for many judgements. Pure.

use std::sync::Arc;

use wire::UnixMillis;

use crate::meetings::{Occurrence, Plan};

/// How far the calendar is looked ahead, in milliseconds: agents are told of their next meeting
/// within a day, and dashboards show it.
pub const AHEAD: i64 = 24 * 60 * 60 * 1000;

/// How long the same occurrences are good: what comes into the window of a day meanwhile is a
/// day away.
const GOOD_MILLIS: i64 = 60_000;

/// The occurrences of the plan in force. Thousands of meetings, their rules and their
/// participants' names take longer to expand than all sites to judge.
#[derive(Debug, Default)]
pub struct Ahead {
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    plan: Plan,
    from: UnixMillis,
    until: UnixMillis,
    occurrences: Arc<[Occurrence]>,
}

impl Ahead {
    /// Every meeting that is not over and starts within a day.
    pub fn look(&mut self, plan: &Plan, now: UnixMillis) -> Arc<[Occurrence]> {
        if let Some(known) = self.known.as_ref().filter(|known| known.is_good(plan, now)) {
            return Arc::clone(&known.occurrences);
        }
        let to = now.saturating_add(AHEAD);
        let occurrences: Arc<[_]> = plan.calendar.occurrences(&plan.inventory, now, to).into();
        let ends = occurrences.iter().map(|occurrence| occurrence.end).min();
        let until = now.saturating_add(GOOD_MILLIS).min(ends.unwrap_or(i64::MAX));
        let plan = plan.clone();
        self.known = Some(Known { plan, from: now, until, occurrences: Arc::clone(&occurrences) });
        occurrences
    }
}

impl Known {
    fn is_good(&self, plan: &Plan, now: UnixMillis) -> bool {
        Arc::ptr_eq(&self.plan.inventory, &plan.inventory)
            && Arc::ptr_eq(&self.plan.calendar, &plan.calendar)
            // A clock that was set back makes them those of another day.
            && (self.from..self.until).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;
    use crate::meetings::{Calendar, Shared};

    /// 2026-11-22T00:00:00Z.
    const BEGIN: i64 = 1_795_305_600_000;
    const MINUTE: i64 = 60_000;

    fn calendar(start: &str) -> Calendar {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "meetings: [{{ id: m, title: M, start: {start}, duration: 30m, sites: {{ ids: [a] }} }}]"
        );
        std::fs::write(directory.path().join("m.yaml"), text).unwrap();
        crate::meetings::files::load(directory.path()).unwrap()
    }

    #[test]
    fn occurrences_are_worked_out_anew_only_when_they_may_have_changed() {
        let plan = Shared::default();
        let sites = inventory::parse("sites.yaml".as_ref(), b"sites: [{ id: a, name: A }]");
        plan.set_inventory(Arc::new(sites.unwrap()));
        plan.set_calendar(calendar("2026-11-22T00:10:00+00:00"));
        let mut ahead = Ahead::default();
        let mut look = |now| ahead.look(&plan.plan(), now);
        let first = look(BEGIN);
        assert_eq!(first.len(), 1);
        assert!(Arc::ptr_eq(&first, &look(BEGIN + MINUTE - 1)), "the same minute");
        assert!(!Arc::ptr_eq(&first, &look(BEGIN + MINUTE)), "a minute later");
        assert!(!Arc::ptr_eq(&look(BEGIN + MINUTE), &look(BEGIN)), "a clock set back");
        assert_eq!(look(BEGIN + 40 * MINUTE - 1).len(), 1);
        assert_eq!(look(BEGIN + 40 * MINUTE).len(), 0, "over");
        plan.set_calendar(calendar("2026-11-22T02:00:00+00:00"));
        assert_eq!(look(BEGIN + 40 * MINUTE).len(), 1, "another calendar");
    }
}
