//! The calendar: which sites must be ready when. Pure, but for reading its files.
//!
//! ```text
//!  meetings/*.yaml ─┐
//!  meetings/*.ics  ─┼▶ Meeting (a rule that repeats) ─▶ occurrences(from, to) ─▶ readiness
//!  *.csv, *.xlsx   ─┤            ▲ names matched to sites and areas
//!  API (store)     ─┘
//! ```

use std::collections::BTreeSet;

use wire::reading::Capability;
use wire::{SiteId, UnixMillis};

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
