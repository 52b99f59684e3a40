//! Who has taken a trouble upon themselves: shown beside it to everybody who looks on, so that two
//! do not call the same room and no room is left to nobody. Pure but for [`desk`].

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use wire::{SiteId, UnixMillis};

use crate::judging::Judged;
use crate::readiness::{Cause, Verdict};

pub mod desk;

/// How long one lasts that belongs to no meeting: whoever gave it has gone home by then.
const LASTS_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A site that is not ready.
    Site(SiteId),
    /// The incident of an uplink.
    Uplink(String),
    /// The incident of an area.
    Area(String),
}

impl Trouble {
    /// The trouble of an incident.
    #[must_use]
    pub fn of_incident(cause: &Cause) -> Self {
        match cause {
            Cause::Uplink(uplink) => Self::Uplink(uplink.clone()),
            Cause::Area(area) => Self::Area(area.clone()),
        }
    }

    /// Its id or name.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Site(id) => id.as_str(),
            Self::Uplink(id) | Self::Area(id) => id,
        }
    }
}

/// Somebody's word that the trouble is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Under which it is taken back.
    #[serde(default)]
    pub id: i64,
    /// The occurrence it belongs to, if any.
    pub meeting: Option<String>,
    /// Who.
    pub who: String,
    /// When.
    pub at: UnixMillis,
    /// It ends then at the latest.
    pub until: UnixMillis,
    /// What is being done.
    pub note: String,
}

/// All that are in force, the latest of each trouble.
pub type All = BTreeMap<Trouble, Acknowledgement>;

/// Why there is nothing to acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// No such site is expected, or there is no such incident.
    Unknown,
    /// The site is ready.
    Ready,
    /// No meeting of this id goes on or comes soon.
    Meeting,
}

/// Until when it is in force at the latest, if there is something to acknowledge.
pub fn until(
    of: &Trouble,
    meeting: Option<&str>,
    judged: &Judged,
    now: UnixMillis,
) -> Result<UnixMillis, Nothing> {
    let soon = &judged.expected.meetings.soon;
    let until = match meeting {
        None => now.saturating_add(LASTS_MILLIS),
        Some(id) => {
            let meeting = soon.iter().find(|meeting| meeting.id == id && now < meeting.end);
            meeting.ok_or(Nothing::Meeting)?.end
        }
    };
    stands(of, meeting, judged).map(|()| until)
}

/// Whether the trouble is still there.
fn stands(of: &Trouble, meeting: Option<&str>, judged: &Judged) -> Result<(), Nothing> {
    let judgement = &judged.judgement;
    let Trouble::Site(site) = of else {
        let mut incidents = judgement.incidents.iter();
        let there = incidents.any(|incident| Trouble::of_incident(&incident.cause) == *of);
        return if there { Ok(()) } else { Err(Nothing::Unknown) };
    };
    if !judged.expected.inventory.sites.contains_key(site) {
        return Err(Nothing::Unknown);
    }
    let mut meetings = judgement.meetings.iter();
    let in_meeting = meetings.find(|judged| Some(judged.id.as_str()) == meeting);
    let verdict = in_meeting.and_then(|judged| judged.sites.get(site));
    let verdict = verdict.or_else(|| judgement.sites.get(site)).map(|judged| judged.verdict);
    if verdict == Some(Verdict::Ready) { Err(Nothing::Ready) } else { Ok(()) }
}

/// Those that are over: the trouble is, or their time.
fn over(all: &All, judged: &Judged, now: UnixMillis) -> Vec<Trouble> {
    let is_over = |(of, given): &(&Trouble, &Acknowledgement)| {
        now >= given.until || stands(of, given.meeting.as_deref(), judged).is_err()
    };
    all.iter().filter(is_over).map(|(of, _)| of.clone()).collect()
}

/// Those in force, which everybody reads and few replace.
#[derive(Debug, Default)]
pub struct Shared(RwLock<Arc<All>>);

impl Shared {
    /// All that are in force.
    #[must_use]
    pub fn all(&self) -> Arc<All> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut All)) {
        change(Arc::make_mut(&mut self.0.write().unwrap_or_else(PoisonError::into_inner)));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fleet;
    use crate::judging::{Coming, Expected, Judging};
    use crate::meetings::Occurrence;
    use crate::readiness::{Incident, Policy};

    pub(crate) fn given(until: UnixMillis) -> Acknowledgement {
        Acknowledgement {
            id: 1,
            meeting: None,
            who: "lan".to_owned(),
            at: 0,
            until,
            note: "đang gọi".to_owned(),
        }
    }

    /// Two sites of which `b` is ready in the meeting `m` until 100, and an incident of `pop-1`.
    fn judged() -> Judged {
        let yaml = b"sites: [{ id: a, name: A }, { id: b, name: B }]";
        let inventory = crate::inventory::parse("a.yaml".as_ref(), yaml).unwrap();
        let fleet = Arc::new(fleet::Shared::default());
        fleet.lock().set_inventory(&inventory);
        let shared = Arc::new(crate::judging::Shared::default());
        let meeting = Occurrence {
            id: "m".to_owned(),
            title: String::new(),
            start: 0,
            end: 100,
            sites: ["a", "b"].map(|id| id.parse().unwrap()).into(),
            needs: None,
            unmatched: Vec::new(),
        };
        let expected = Expected {
            inventory: Arc::new(inventory),
            meetings: Coming::soon(vec![meeting], 1),
            absences: Arc::default(),
        };
        Judging::new(fleet, Policy::default(), Arc::clone(&shared)).judge_at(1, expected);
        let mut judged = Arc::try_unwrap(shared.latest()).unwrap_or_else(|judged| Judged {
            judgement: judged.judgement.clone(),
            expected: judged.expected.clone(),
            verdicts: Arc::clone(&judged.verdicts),
        });
        let site: SiteId = "b".parse().unwrap();
        judged.judgement.meetings[0].sites.get_mut(&site).unwrap().verdict = Verdict::Ready;
        let cause = Cause::Uplink("pop-1".to_owned());
        judged.judgement.incidents = vec![Incident { cause, members: Vec::new(), of: 3, since: 0 }];
        judged
    }

    fn site(id: &str) -> Trouble {
        Trouble::Site(id.parse().unwrap())
    }

    #[test]
    fn what_is_ready_or_unknown_cannot_be_acknowledged() {
        let judged = judged();
        let uplink = |id: &str| Trouble::Uplink(id.to_owned());
        for (of, meeting, expected) in [
            (site("a"), Some("m"), Ok(100)),
            (site("a"), None, Ok(50 + LASTS_MILLIS)),
            (site("b"), Some("m"), Err(Nothing::Ready)),
            (site("b"), None, Ok(50 + LASTS_MILLIS)),
            (site("c"), None, Err(Nothing::Unknown)),
            (site("a"), Some("n"), Err(Nothing::Meeting)),
            (uplink("pop-1"), Some("m"), Ok(100)),
            (uplink("pop-2"), None, Err(Nothing::Unknown)),
            (Trouble::Area("pop-1".to_owned()), None, Err(Nothing::Unknown)),
        ] {
            assert_eq!(until(&of, meeting, &judged, 50), expected, "{of:?} {meeting:?}");
        }
        assert_eq!(until(&site("a"), Some("m"), &judged, 100), Err(Nothing::Meeting), "it is over");
    }

    #[test]
    fn one_lasts_until_the_site_is_ready_or_its_time_is_over() {
        let judged = judged();
        let of_meeting = |until| Acknowledgement { meeting: Some("m".to_owned()), ..given(until) };
        for (of, given, expected) in [
            (site("a"), of_meeting(100), false),
            (site("a"), of_meeting(50), true),
            (site("b"), of_meeting(100), true),
            (site("b"), given(100), false),
            (site("c"), given(100), true),
            (Trouble::Uplink("pop-1".to_owned()), given(100), false),
            (Trouble::Uplink("pop-2".to_owned()), given(100), true),
        ] {
            let all = All::from([(of.clone(), given)]);
            assert_eq!(!over(&all, &judged, 50).is_empty(), expected, "{of:?}");
        }
    }
}
