//! The calendar: which sites must be ready when. Pure, but for reading its files.
//!
//! ```text
//!  meetings/*.yaml       ─┬▶ Meeting (a rule that repeats) ─▶ occurrences(from, to) ─▶ readiness
//!  meetings/*.ics        ─┤            ▲ names matched to sites and areas
//!  meetings/*.xlsx, .csv ─┤
//!  API (store)           ─┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use wire::ids::MeetingId;
use wire::reading::Capability;
use wire::{SiteId, UnixMillis};

use crate::inventory::Inventory;

pub mod desk;
pub mod files;
mod icalendar;
mod pages;
mod participants;
mod recurrence;
mod remark;
mod sheet;
mod yaml;

pub use participants::{Directory, Participants, Resolved};
pub use recurrence::{Rule, on_the_wall};
pub use remark::Remark;
pub(crate) use yaml::vietnam;

#[cfg(test)]
mod tests;

/// Meetings in all: twenty a working day, each written down by itself, for a year.
pub const MEETINGS: usize = 5_000;

/// The longest window that is looked through: a year and a little.
const WINDOW_MILLIS: i64 = 400 * 24 * 60 * 60 * 1000;

/// Occurrences of one look. Ten thousand sites in each would be some 250 MB; no collector judges
/// a tenth of that number at once.
pub const OCCURRENCES: usize = 1_000;

/// One meeting at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// `giao-ban-tuan@2026-11-23T07:30`: the meeting's id and its start in the meeting's own
    /// zone. A moved occurrence keeps the id of the time it was moved from.
    pub id: String,
    /// For people.
    pub title: String,
    /// When it starts.
    pub start: UnixMillis,
    /// When it ends.
    pub end: UnixMillis,
    /// Who takes part, by the inventory of now.
    pub sites: BTreeSet<SiteId>,
    /// What it needs of each site; `None`: each site's own needs.
    pub needs: Option<Vec<Capability>>,
    /// Names of participants that match no site and no area; told, never dropped.
    pub unmatched: Vec<String>,
}

/// A meeting and the rule by which it repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct Meeting {
    /// Its id, unique in the calendar.
    pub id: MeetingId,
    /// For people.
    pub title: String,
    /// The zone its times are written in.
    pub zone: TimeZone,
    /// Its first start, on the wall of that zone.
    pub start: DateTime,
    /// How long it lasts.
    pub duration: Duration,
    /// How it repeats, if it does.
    pub rule: Option<Rule>,
    /// What differs from the rule, by the start that the rule gives.
    pub changes: BTreeMap<DateTime, Change>,
    /// What differs from a start on, the earliest first; changes of single ones go before.
    pub later: Vec<Later>,
    /// Whether it does not take place at all.
    pub cancelled: bool,
    /// Who takes part.
    pub participants: Participants,
    /// What it needs of each site; `None`: each site's own needs.
    pub needs: Option<Vec<Capability>>,
}

/// How one occurrence differs from its rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It does not take place.
    Dropped,
    /// It takes place at another time, or otherwise.
    Moved(Moved),
}

/// How all occurrences differ from one on.
#[derive(Debug, Clone, PartialEq)]
pub struct Later {
    /// The start of the first, as the rule gives it.
    pub from: DateTime,
    /// How much later each is, on the wall.
    pub by: SignedDuration,
    /// What else is different; the start is that of the first.
    pub change: Change,
}

/// An occurrence that differs from its rule. `None`: as in the meeting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moved {
    /// When it starts.
    pub start: UnixMillis,
    /// How long it lasts.
    pub duration: Option<Duration>,
    /// For people.
    pub title: Option<String>,
    /// Who takes part.
    pub participants: Option<Participants>,
}

/// One time of a meeting, before its sites are looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot<'a> {
    /// The meeting.
    pub meeting: &'a Meeting,
    /// The start that the rule gives, which names it.
    pub original: DateTime,
    /// When it starts.
    pub start: UnixMillis,
    /// When it ends.
    pub end: UnixMillis,
    moved: Option<&'a Moved>,
}

/// Where a meeting is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file of the directory.
    File(PathBuf),
    /// In the store, through the API.
    Api,
}

/// Every meeting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calendar {
    /// By id, each with where it is written down.
    pub meetings: BTreeMap<MeetingId, (Arc<Meeting>, Origin)>,
    /// What was not read of schedules, and what was guessed.
    pub remarks: Vec<Remark>,
}

impl Meeting {
    /// The times that touch the window from `from` to `to`, in no order.
    fn slots(&self, from: UnixMillis, to: UnixMillis) -> Vec<Slot<'_>> {
        if self.cancelled {
            return Vec::new();
        }
        let touches = |slot: &Slot<'_>| slot.start < to && slot.end > from;
        // Those that were moved forward may start before what the rule gives.
        let reach = self.later.iter().map(|later| later.by.abs().as_millis()).max().unwrap_or(0);
        let until = to.saturating_add(i64::try_from(reach).unwrap_or(i64::MAX));
        let kept = self.starts().take_while(|start| *start < until);
        let kept = kept.filter_map(|start| self.planned(on_the_wall(start, &self.zone), start));
        let moved = self.changes.iter().filter_map(|(original, change)| match change {
            Change::Dropped => None,
            Change::Moved(moved) => self.slot(*original, moved.start, Some(moved)),
        });
        let kept = kept.filter(|slot| !self.changes.contains_key(&slot.original));
        kept.chain(moved).filter(touches).collect()
    }

    /// The next times from `now` on, the earliest first: at most `most`.
    fn next(&self, now: UnixMillis, most: usize) -> Vec<Slot<'_>> {
        let mut slots = self.slots(now, now.saturating_add(WINDOW_MILLIS));
        slots.sort_by_key(|slot| slot.start);
        slots.truncate(most);
        slots
    }

    /// The starts that its rule gives.
    fn starts(&self) -> impl Iterator<Item = UnixMillis> {
        let once = if self.rule.is_none() { self.zone.to_timestamp(self.start).ok() } else { None };
        let rule = self.rule.as_ref().map(Rule::starts).into_iter().flatten();
        once.map(jiff::Timestamp::as_millisecond).into_iter().chain(rule)
    }

    /// The time of a start that the rule gives, by what holds from some start on.
    fn planned(&self, original: DateTime, start: UnixMillis) -> Option<Slot<'_>> {
        match self.later.iter().rev().find(|later| later.from <= original) {
            None => self.slot(original, start, None),
            Some(Later { change: Change::Dropped, .. }) => None,
            Some(Later { by, change: Change::Moved(moved), .. }) => {
                let wall = original.checked_add(*by).ok()?;
                let start = self.zone.to_timestamp(wall).ok()?.as_millisecond();
                self.slot(original, start, Some(moved))
            }
        }
    }

    fn slot<'a>(
        &'a self,
        original: DateTime,
        start: UnixMillis,
        moved: Option<&'a Moved>,
    ) -> Option<Slot<'a>> {
        let duration = moved.and_then(|moved| moved.duration).unwrap_or(self.duration);
        let end = start.checked_add(i64::try_from(duration.as_millis()).ok()?)?;
        Some(Slot { meeting: self, original, start, end, moved })
    }
}

impl Slot<'_> {
    /// `id@start`, see [`Occurrence::id`].
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}@{}", self.meeting.id, self.original.strftime("%Y-%m-%dT%H:%M"))
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &str {
        self.moved.and_then(|moved| moved.title.as_ref()).unwrap_or(&self.meeting.title)
    }

    /// Who takes part.
    #[must_use]
    pub fn participants(&self) -> &Participants {
        self.moved
            .and_then(|moved| moved.participants.as_ref())
            .unwrap_or(&self.meeting.participants)
    }

    fn occurrence(&self, who: Resolved) -> Occurrence {
        Occurrence {
            id: self.id(),
            title: self.title().to_owned(),
            start: self.start,
            end: self.end,
            sites: who.sites,
            needs: self.meeting.needs.clone(),
            unmatched: who.unmatched,
        }
    }
}

impl Calendar {
    /// The times of all meetings that touch the window, the earliest first: at most
    /// [`OCCURRENCES`], and how many there are beyond.
    #[must_use]
    pub fn slots(&self, from: UnixMillis, to: UnixMillis) -> (Vec<Slot<'_>>, usize) {
        let to = to.min(from.saturating_add(WINDOW_MILLIS));
        let meetings = self.meetings.values();
        let mut slots: Vec<_> = meetings.flat_map(|(meeting, _)| meeting.slots(from, to)).collect();
        slots.sort_by(|one, other| {
            (one.start, &one.meeting.id).cmp(&(other.start, &other.meeting.id))
        });
        let beyond = slots.len().saturating_sub(OCCURRENCES);
        slots.truncate(OCCURRENCES);
        (slots, beyond)
    }

    /// Every occurrence that touches the window from `from` to `to`, the earliest first, with
    /// its sites by this inventory; at most [`OCCURRENCES`].
    #[must_use]
    pub fn occurrences(
        &self,
        inventory: &Inventory,
        from: UnixMillis,
        to: UnixMillis,
    ) -> Vec<Occurrence> {
        let (slots, _) = self.slots(from, to);
        // Outside meetings' hours, which is nearly always, no name is looked at.
        if slots.is_empty() {
            return Vec::new();
        }
        let directory = Directory::new(inventory);
        let mut last: Option<(&Participants, Resolved)> = None;
        slots
            .iter()
            .map(|slot| {
                let who = match last.take() {
                    Some((whom, who)) if whom == slot.participants() => who,
                    _ => slot.participants().resolve(&directory),
                };
                last = Some((slot.participants(), who.clone()));
                slot.occurrence(who)
            })
            .collect()
    }
}

/// What is expected when: the inventory and the calendar in force.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The sites.
    pub inventory: Arc<Inventory>,
    /// The meetings.
    pub calendar: Arc<Calendar>,
}

/// The plan that everyone reads and few replace.
#[derive(Debug, Default)]
pub struct Shared(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    files: Calendar,
    stored: BTreeMap<MeetingId, Arc<Meeting>>,
}

impl State {
    /// What people wrote into a file has the last word over what a program stored.
    fn combine(&mut self) {
        let mut calendar = self.files.clone();
        for (id, meeting) in &self.stored {
            if let Some((_, Origin::File(path))) = calendar.meetings.get(id) {
                let file = path.display();
                tracing::warn!("meeting {id}: that of {file} is in force, not that of the API");
                continue;
            }
            calendar.meetings.insert(id.clone(), (Arc::clone(meeting), Origin::Api));
        }
        self.plan.calendar = Arc::new(calendar);
    }
}

impl Shared {
    /// The plan in force; two pointers, not the content.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.0.read().unwrap_or_else(PoisonError::into_inner).plan.clone()
    }

    /// Replaces the inventory.
    pub fn set_inventory(&self, inventory: Arc<Inventory>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).plan.inventory = inventory;
    }

    /// Replaces the calendar of the files.
    pub fn set_calendar(&self, files: Calendar) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        state.files = files;
        state.combine();
    }

    /// Replaces the stored meetings.
    fn set_stored(&self, stored: BTreeMap<MeetingId, Arc<Meeting>>) {
        self.with_stored(|all| *all = stored);
    }

    fn with_stored(&self, change: impl FnOnce(&mut BTreeMap<MeetingId, Arc<Meeting>>)) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut state.stored);
        state.combine();
    }
}
