//! The meetings to come, worked out once for many judgements. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use wire::batch::NextMeeting;
use wire::{SiteId, UnixMillis};

use crate::meetings::{Occurrence, Plan};

const HOUR: i64 = 60 * 60 * 1000;

/// How far meetings are judged and shown, in milliseconds: dashboards show a day.
const SOON: i64 = 24 * HOUR;

/// How far agents are told of their next meeting, in milliseconds: they rest until then, and
/// without one they measure everything all the time. More than a month, for those who meet once
/// in it.
const LATER: i64 = 40 * 24 * HOUR;

/// How long the same occurrences are good: what comes into the window of a day meanwhile is a
/// day away.
const GOOD_MILLIS: i64 = 60_000;

/// How long the later ones are good: what goes from them into the next day is in both meanwhile.
const LATER_GOOD_MILLIS: i64 = HOUR;

/// The occurrences of the plan in force. Thousands of meetings, their rules and their
/// participants' names take longer to expand than all sites to judge.
#[derive(Debug, Default)]
pub struct Ahead {
    soon: Option<Known<Coming>>,
    later: Option<Known<Arc<BTreeMap<SiteId, NextMeeting>>>>,
}

/// What comes.
#[derive(Debug, Clone, Default)]
pub struct Coming {
    /// Every meeting that is not over and starts within a day, the earliest first.
    pub soon: Arc<[Occurrence]>,
    /// Each site's first meeting of these.
    next: Arc<BTreeMap<SiteId, NextMeeting>>,
    /// Each site's first meeting of those that begin after that and within 40 days.
    later: Arc<BTreeMap<SiteId, NextMeeting>>,
}

impl Coming {
    /// These meetings at `now`, and nothing later.
    #[must_use]
    pub fn soon(soon: Vec<Occurrence>, now: UnixMillis) -> Self {
        let next = Arc::new(first_of_each(&soon, now));
        Self { soon: soon.into(), next, later: Arc::default() }
    }

    /// The meeting a site is in, or its next.
    #[must_use]
    pub fn next_meeting(&self, site: &SiteId) -> Option<&NextMeeting> {
        self.next.get(site).or_else(|| self.later.get(site))
    }
}

#[derive(Debug)]
struct Known<T> {
    plan: Plan,
    from: UnixMillis,
    until: UnixMillis,
    what: T,
}

impl Ahead {
    /// What comes after `now`.
    pub fn look(&mut self, plan: &Plan, now: UnixMillis) -> Coming {
        let day = now.saturating_add(SOON);
        let expand = |from, to| plan.calendar.occurrences(&plan.inventory, from, to);
        let soon = self.soon.take().filter(|soon| soon.is_good(plan, now)).unwrap_or_else(|| {
            let soon = expand(now, day);
            let end = soon.iter().map(|meeting| meeting.end).min().unwrap_or(i64::MAX);
            let until = end.min(now.saturating_add(GOOD_MILLIS));
            Known::new(plan, now, until, Coming::soon(soon, now))
        });
        let later =
            self.later.take().filter(|later| later.is_good(plan, now)).unwrap_or_else(|| {
                let first = first_of_each(&expand(day, now.saturating_add(LATER)), now);
                Known::new(plan, now, now.saturating_add(LATER_GOOD_MILLIS), Arc::new(first))
            });
        let later_on = Arc::clone(&self.later.insert(later).what);
        Coming { later: later_on, ..self.soon.insert(soon).what.clone() }
    }
}

/// For each site the meeting that has begun and is not over, or else starts first.
fn first_of_each(meetings: &[Occurrence], now: UnixMillis) -> BTreeMap<SiteId, NextMeeting> {
    let mut told: Vec<_> = meetings.iter().filter(|meeting| now < meeting.end).collect();
    told.sort_by_key(|occurrence| (occurrence.start, occurrence.end));
    let mut first = BTreeMap::new();
    for Occurrence { id, start, end, sites, .. } in told {
        for site in sites {
            let meeting = || NextMeeting { id: id.as_str().into(), start: *start, end: *end };
            first.entry(site.clone()).or_insert_with(meeting);
        }
    }
    first
}

impl<T> Known<T> {
    fn new(plan: &Plan, from: UnixMillis, until: UnixMillis, what: T) -> Self {
        Self { plan: plan.clone(), from, until, what }
    }

    fn is_good(&self, plan: &Plan, now: UnixMillis) -> bool {
        Arc::ptr_eq(&self.plan.inventory, &plan.inventory)
            && Arc::ptr_eq(&self.plan.calendar, &plan.calendar)
            // A clock that was set back makes them those of another day.
            && (self.from..self.until).contains(&now)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::inventory;
    use crate::meetings::{Calendar, Shared};

    /// A meeting of an hour.
    pub(in super::super) fn meeting(id: &str, start: i64, sites: &[&str]) -> Occurrence {
        Occurrence {
            id: id.to_owned(),
            title: String::new(),
            start,
            end: start + HOUR,
            sites: sites.iter().map(|site| site.parse().unwrap()).collect(),
            needs: None,
            unmatched: vec![],
        }
    }

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
        let mut look = |now| ahead.look(&plan.plan(), now).soon;
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

    #[test]
    fn what_is_more_than_a_day_away_comes_later_and_is_never_missed_in_between() {
        let plan = Shared::default();
        let sites = inventory::parse("sites.yaml".as_ref(), b"sites: [{ id: a, name: A }]");
        plan.set_inventory(Arc::new(sites.unwrap()));
        plan.set_calendar(calendar("2026-11-24T00:00:00+00:00"));
        let mut ahead = Ahead::default();
        for minute in 0..2 * 24 * 60 {
            let coming = ahead.look(&plan.plan(), BEGIN + minute * MINUTE);
            assert!(!coming.soon.is_empty() || !coming.later.is_empty(), "minute {minute}");
        }
        let coming = ahead.look(&plan.plan(), BEGIN - LATER);
        assert!(coming.soon.is_empty() && coming.later.is_empty());
    }

    #[test]
    fn an_agent_is_told_of_the_meeting_it_is_in_or_else_of_its_next() {
        let meetings = [
            meeting("in a week", 170 * HOUR, &["a", "c"]),
            meeting("later", 8 * HOUR, &["a", "b"]),
            meeting("now", -HOUR / 2, &["a"]),
            meeting("over", -HOUR, &["a", "b", "c"]),
        ];
        let next = first_of_each(&meetings, 0);
        let id = |site: &str| next.get(site).map(|meeting| &*meeting.id);
        let expected = (Some("now"), Some("later"), Some("in a week"), None);
        assert_eq!((id("a"), id("b"), id("c"), id("d")), expected);
    }
}
