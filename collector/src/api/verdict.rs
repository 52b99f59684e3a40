//! What was judged of a site, for `/api/v1/sites/{id}`. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use wire::reading::Capability;
use wire::{Language, UnixMillis};

use super::{Moment, age};
use crate::readiness::{CapabilityVerdict, Reason, SiteVerdict};

/// What was judged, and why.
#[derive(Debug, Serialize)]
pub(super) struct JudgedLine<'a> {
    /// The gravest first.
    reasons: Vec<ReasonLine<'a>>,
    capabilities: BTreeMap<&'static str, CapabilityLine>,
}

#[derive(Debug, Serialize)]
struct ReasonLine<'a> {
    code: &'static str,
    capability: Option<Capability>,
    /// The probe or device it is about.
    subject: &'a str,
    value: Option<f64>,
    /// What is wrong and what to do.
    vi: String,
    en: String,
    evidence_at: Option<Moment>,
    evidence_age_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct CapabilityLine {
    verdict: &'static str,
    needed: bool,
    evidence_at: Option<Moment>,
    evidence_age_seconds: Option<f64>,
}

/// What was judged of a site, as it looks at `now`.
pub(super) fn judged(judged: &SiteVerdict, now: UnixMillis) -> JudgedLine<'_> {
    let line = |(capability, judged): (&Capability, &CapabilityVerdict)| {
        let CapabilityVerdict { verdict, evidence_at, needed } = *judged;
        let line = CapabilityLine {
            verdict: verdict.label(),
            needed,
            evidence_at: evidence_at.map(Moment),
            evidence_age_seconds: evidence_at.map(|at| age(at, now)),
        };
        (capability.label(), line)
    };
    JudgedLine {
        reasons: judged.reasons.iter().map(|reason| told(reason, now)).collect(),
        capabilities: judged.capabilities.iter().map(line).collect(),
    }
}

fn told(reason: &Reason, now: UnixMillis) -> ReasonLine<'_> {
    ReasonLine {
        code: reason.code,
        capability: reason.capability,
        subject: &reason.subject,
        value: reason.value,
        vi: reason.sentence(Language::Vi),
        en: reason.sentence(Language::En),
        evidence_at: reason.evidence_at.map(Moment),
        evidence_age_seconds: reason.evidence_at.map(|at| age(at, now)),
    }
}
