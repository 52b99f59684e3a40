//! `/api/v1/meetings/{id}/roll-call`: what was known of a meeting at each moment, and what was
//! learnt later. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use wire::reading::Capability;
use wire::{Language, SiteId, UnixMillis};

use super::{Moment, age, json};
use crate::readiness::Verdict;
use crate::roll_call::attendance::Attendance;
use crate::roll_call::remembered::{Recalled, Remembered};
use crate::roll_call::{Entry, RecordedReason};

#[derive(Debug, Serialize)]
struct Page<'a> {
    meeting: &'a str,
    /// The moment of the latest roll call.
    latest: &'static str,
    /// The latest first.
    moments: Vec<Call<'a>>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    moment: &'static str,
    title: &'a str,
    start: Moment,
    end: Moment,
    due_at: Moment,
    recorded_at: Moment,
    /// Not null where the collector came after the moment.
    late_seconds: Option<f64>,
    counts: BTreeMap<&'static str, usize>,
    unmatched: &'a [String],
    sites: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    site: &'a SiteId,
    name: &'a str,
    area: Option<&'a str>,
    area_name: Option<&'a str>,
    level: &'a str,
    verdict: &'static str,
    reasons: Vec<Why<'a>>,
    evidence_at: Option<Moment>,
    evidence_age_seconds: Option<f64>,
    heard_at: Option<Moment>,
    later: Option<&'static str>,
    attendance: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Why<'a> {
    code: &'a str,
    capability: Option<Capability>,
    subject: &'a str,
    value: Option<f64>,
    /// What is wrong and what to do.
    vi: String,
    en: String,
    evidence_at: Option<Moment>,
    evidence_age_seconds: Option<f64>,
}

/// All that is remembered of a meeting.
#[must_use]
pub fn roll_call(remembered: &Remembered) -> Vec<u8> {
    let latest = remembered.latest();
    let calls = remembered.calls.iter().rev();
    json(&Page {
        meeting: latest.map_or("", |recalled| &recalled.call.key.meeting),
        latest: latest.map_or("", |recalled| recalled.call.key.moment.label()),
        moments: calls.map(|recalled| call(recalled, &remembered.attendance)).collect(),
    })
}

fn call<'a>(Recalled { call, later }: &'a Recalled, attendance: &Attendance) -> Call<'a> {
    let line = |(site, entry): (&'a SiteId, &'a Entry)| Line {
        site,
        name: &entry.name,
        area: entry.area.as_ref().map(|area| area.id.as_str()),
        area_name: entry.area.as_ref().map(|area| area.name.as_str()),
        level: &entry.level,
        verdict: entry.verdict.label(),
        reasons: entry.reasons.iter().map(|reason| why(reason, call.recorded_at)).collect(),
        evidence_at: entry.evidence_at.map(Moment),
        evidence_age_seconds: entry.evidence_at.map(|at| age(at, call.recorded_at)),
        heard_at: entry.heard_at.map(Moment),
        later: later.get(site).map(|later| later.label()),
        attendance: attendance.get(site).map(|presence| presence.label()),
    };
    let late = call.late_millis();
    Call {
        moment: call.key.moment.label(),
        title: &call.title,
        start: Moment(call.key.start),
        end: Moment(call.end),
        due_at: Moment(call.key.moment.of(call.key.start)),
        recorded_at: Moment(call.recorded_at),
        late_seconds: (late > 0).then(|| late as f64 / 1e3),
        counts: Verdict::ALL.map(|verdict| (verdict.label(), call.count(verdict))).into(),
        unmatched: &call.unmatched,
        sites: call.sites.iter().map(line).collect(),
    }
}

fn why(reason: &RecordedReason, recorded_at: UnixMillis) -> Why<'_> {
    Why {
        code: &reason.code,
        capability: reason.capability,
        subject: &reason.subject,
        value: reason.value,
        vi: reason.told(Language::Vi),
        en: reason.told(Language::En),
        evidence_at: reason.evidence_at.map(Moment),
        evidence_age_seconds: reason.evidence_at.map(|at| age(at, recorded_at)),
    }
}
