//! Readiness: each site judged against what is needed of it. Pure: values and `now` in,
//! verdicts out.
//!
//! ```text
//!  fleet snapshot ─┐
//!  occurrences    ─┼▶ judge(now) ─▶ Judgement { sites, meetings, incidents }
//!  policy         ─┤       ▲ damping: what was judged before
//!  absences       ─┘
//! ```

use std::collections::BTreeMap;

use wire::reading::Capability;
use wire::{Language, SiteId, UnixMillis};

/// Of a capability, a site, or a site in a meeting. The order is that of judgement: the first
/// that applies is the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Maintenance or an agreed absence.
    Excused,
    /// Something needed has failed.
    NotReady,
    /// Something needed has no fresh evidence.
    Unknown,
    /// All that is needed works, not all of it well.
    Degraded,
    /// All that is needed works.
    Ready,
}

impl Verdict {
    /// All of them, in the order of judgement.
    pub const ALL: [Self; 5] =
        [Self::Excused, Self::NotReady, Self::Unknown, Self::Degraded, Self::Ready];

    /// The label value in metrics and in the store.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Excused => "excused",
            Self::NotReady => "not_ready",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Ready => "ready",
        }
    }

    /// For people.
    #[must_use]
    pub fn word(self, language: Language) -> &'static str {
        match self {
            Self::Excused => language.pick("được miễn", "excused"),
            Self::NotReady => language.pick("chưa sẵn sàng", "not ready"),
            Self::Unknown => language.pick("không rõ", "unknown"),
            Self::Degraded => language.pick("sẵn sàng, còn hạn chế", "degraded"),
            Self::Ready => language.pick("sẵn sàng", "ready"),
        }
    }
}

/// Why a verdict is what it is: a stable code for machines, what it is about, and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// `camera_missing`, `loss_high`, `no_evidence`, …; never changes meaning once shipped.
    pub code: &'static str,
    /// The capability it concerns; none where it concerns the whole site.
    pub capability: Option<Capability>,
    /// What it is about: a probe or a device (`Logitech C920`); empty for the whole site.
    pub subject: String,
    /// The measured value behind it, in the code's unit, where there is one.
    pub value: Option<f64>,
    /// When the evidence was taken; `None` where there never was any.
    pub evidence_at: Option<UnixMillis>,
}

/// What is judged of one site.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteVerdict {
    /// The whole site.
    pub verdict: Verdict,
    /// Why, the gravest first; empty for a site that is simply ready.
    pub reasons: Vec<Reason>,
    /// Each capability of which there is need or evidence.
    pub capabilities: BTreeMap<Capability, CapabilityVerdict>,
}

/// What is judged of one capability of one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapabilityVerdict {
    /// Never `Excused`: only sites are.
    pub verdict: Verdict,
    /// When the latest evidence was taken; `None` where there never was any.
    pub evidence_at: Option<UnixMillis>,
    /// Whether the site, or its next meeting, needs it.
    pub needed: bool,
}

/// One occurrence, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct MeetingVerdict {
    /// The occurrence's id.
    pub id: String,
    /// Each of its sites.
    pub sites: BTreeMap<SiteId, SiteVerdict>,
}

/// Sites that fail together behind one uplink or in one area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The uplink or area.
    pub cause: Cause,
    /// The sites that fail now.
    pub members: Vec<SiteId>,
    /// How many sites hang on the cause, failing or not.
    pub of: usize,
    /// Since when.
    pub since: UnixMillis,
}

/// What sites that fail together have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// An uplink's name in the inventory.
    Uplink(String),
    /// An area's id.
    Area(String),
}

/// Everything judged at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// That moment.
    pub at: UnixMillis,
    /// Every expected site against its own needs.
    pub sites: BTreeMap<SiteId, SiteVerdict>,
    /// Every occurrence from T-60 min to its end against its needs.
    pub meetings: Vec<MeetingVerdict>,
    /// Common causes.
    pub incidents: Vec<Incident>,
}
