//! One site. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use wire::limits::{EVERY_MILLIS_MAX, READINGS_PER_REPORT};
use wire::reading::Name;
use wire::{AgentInfo, Metric, ProbeName, Reading, Report, Sample, SiteId, UnixMillis};

use super::probe::{LIFE_INTERVALS, LIFE_MILLIS_MIN, PastFailure, Probe, life};
use crate::exposition::{self, Facts, Lines, series_of};
use crate::ingest::rivals::Contest;
use crate::ingest::{Cause, Ignored};
use crate::inventory;

/// Series of one site: ten times an ordinary bridge's, so that one agent gone wild cannot fill
/// everybody's Prometheus.
const SERIES: usize = 2_000;

/// Probes of one site, the removed ones that are still told included.
const PROBES: usize = 2 * READINGS_PER_REPORT;

/// The shortest promise to be heard again that is taken at its word: what a push to a collector
/// under load and its repetition may take.
const PROMISE_MILLIS_MIN: u64 = 4_000;

/// What is known of a site. Cheap to clone: a scrape may hold on to the one before.
#[derive(Debug, Clone, Default)]
pub struct Site {
    expected: Option<Arc<inventory::Site>>,
    enrolled: bool,
    heard: bool,
    last_seen: Option<UnixMillis>,
    up_until: UnixMillis,
    clock_offset: Option<i64>,
    agent: Option<(UnixMillis, Arc<AgentInfo>)>,
    probes: BTreeMap<ProbeName, Arc<Probe>>,
    contest: Option<Arc<Contest>>,
    /// The lines besides its readings; `None` until first rendered.
    facts: Option<Arc<Lines>>,
}

impl Site {
    /// What the inventory says of it; `None` if it is not expected.
    #[must_use]
    pub fn expected(&self) -> Option<&inventory::Site> {
        self.expected.as_deref()
    }

    /// Whether it holds a credential.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.enrolled
    }

    /// When a report of it arrived last.
    #[must_use]
    pub fn last_seen(&self) -> Option<UnixMillis> {
        self.last_seen
    }

    /// Whether it was heard within three of the spans in which it promised to be; where it
    /// promised nothing, of the intervals of its fastest probe, at least 90 s.
    #[must_use]
    pub fn is_up(&self, now: UnixMillis) -> bool {
        self.last_seen.is_some() && now < self.up_until
    }

    /// The agent's clock minus the collector's in milliseconds, when last measured.
    #[must_use]
    pub fn clock_offset(&self) -> Option<i64> {
        self.clock_offset
    }

    /// The agent that took the latest report.
    #[must_use]
    pub fn agent(&self) -> Option<&AgentInfo> {
        self.agent.as_ref().map(|(_, agent)| agent.as_ref())
    }

    /// Its probes by name.
    pub fn probes(&self) -> impl Iterator<Item = (&ProbeName, &Probe)> {
        self.probes.iter().map(|(name, probe)| (name, probe.as_ref()))
    }

    /// Who wants to be it, where that is more than one.
    #[must_use]
    pub fn contest(&self) -> Option<&Contest> {
        self.contest.as_deref()
    }

    /// The lines besides its readings.
    #[must_use]
    pub fn facts(&self) -> Option<&Lines> {
        self.facts.as_deref()
    }

    pub(super) fn is_shown(&self) -> bool {
        self.expected.is_some() || self.enrolled || self.heard
    }

    /// Whether its facts were never rendered.
    pub(super) fn is_bare(&self) -> bool {
        self.facts.is_none()
    }

    /// What the store knew of one of its boots.
    pub(super) fn remember(&mut self, heard_at: UnixMillis, clock_offset: Option<i64>) {
        if self.last_seen.is_none_or(|at| at < heard_at) {
            self.last_seen = Some(heard_at);
            self.up_until = heard_at.saturating_add(LIFE_MILLIS_MIN);
            self.clock_offset = clock_offset;
        }
    }

    pub(super) fn expect(&mut self, id: &SiteId, expected: Option<&inventory::Site>) {
        self.expected = expected.cloned().map(Arc::new);
        self.render(id);
    }

    pub(super) fn contend(&mut self, id: &SiteId, contest: Option<Contest>) {
        self.contest = contest.map(Arc::new);
        self.render(id);
    }

    pub(super) fn enrol(&mut self, id: &SiteId, enrolled: bool) {
        self.enrolled = enrolled;
        self.heard &= enrolled;
        self.render(id);
    }

    /// Reports came, or a sign of life without any; called after they were applied.
    pub(super) fn heard(
        &mut self,
        id: &SiteId,
        now: UnixMillis,
        clock_offset: i64,
        again_ms: Option<u64>,
    ) {
        self.heard = true;
        self.last_seen = self.last_seen.max(Some(now));
        self.clock_offset = Some(clock_offset);
        // An hourly probe among fast ones must not keep a dead site up for three hours.
        let fastest = self.probes.values().filter(|probe| probe.is_fresh(now));
        let fastest = fastest.map(|probe| probe.reading.every_ms).min();
        let patience = match again_ms {
            Some(again) => promised(again),
            None => fastest.map_or(LIFE_MILLIS_MIN, life),
        };
        self.up_until = now.saturating_add(patience);
        self.probes.retain(|_, probe| probe.is_told(now));
        self.render(id);
    }

    pub(super) fn render(&mut self, id: &SiteId) {
        let facts = Facts {
            expected: self.expected.as_deref(),
            last_seen: self.last_seen,
            agent: self.agent(),
            clock_offset: self.clock_offset,
            clones: self.contest().map_or(0, |contest| contest.rivals.len()),
        };
        self.facts = Some(Arc::new(exposition::facts(id, &facts)));
    }

    /// Takes a report; readings older than those held change nothing but, perhaps, the last
    /// failure.
    pub(super) fn apply(
        &mut self,
        id: &SiteId,
        report: Report,
        taken_at: UnixMillis,
        now: UnixMillis,
        ignored: &mut Ignored,
    ) {
        if self.agent.as_ref().is_none_or(|(at, _)| *at < taken_at) {
            let same = self.agent().is_some_and(|agent| *agent == report.agent);
            let agent = match (&self.agent, same) {
                (Some((_, agent)), true) => Arc::clone(agent),
                _ => Arc::new(report.agent),
            };
            self.agent = Some((taken_at, agent));
        }
        let number = (report.boot, report.seq);
        for mut reading in report.readings {
            let taken_at = taken_at.saturating_sub_unsigned(reading.age_ms);
            let held = self.probes.get(&reading.probe);
            let last_failure = later_failure(held.map(Arc::as_ref), &reading, taken_at);
            if held.is_some_and(|held| !held.is_before(number, taken_at)) {
                self.keep_failure(&reading.probe, last_failure);
                continue;
            }
            let fresh = now < taken_at.saturating_add(life(reading.every_ms));
            let lines = if fresh {
                self.leave_out(&mut reading, now, ignored);
                let (samples, lines) = self.take_memory(&reading.probe);
                reading.samples = over(samples, reading.samples);
                exposition::reading(id, &reading, taken_at, lines)
            } else {
                Lines::default()
            };
            let name = reading.probe.clone();
            let probe = Probe { reading, taken_at, last_failure, report: number, lines };
            self.probes.insert(name, Arc::new(probe));
        }
        self.make_room();
    }

    /// The memory of a probe's last reading, to be written over; none where a scrape or a
    /// judgement looks at it just now.
    fn take_memory(&mut self, name: &ProbeName) -> (Vec<Sample>, Lines) {
        let Some(held) = self.probes.get_mut(name).and_then(Arc::get_mut) else {
            return Default::default();
        };
        (std::mem::take(&mut held.reading.samples), std::mem::take(&mut held.lines))
    }

    /// A backlog may bring a failure that is later than the one known.
    fn keep_failure(&mut self, name: &ProbeName, last_failure: Option<PastFailure>) {
        if let Some(held) = self.probes.get_mut(name)
            && held.last_failure != last_failure
        {
            Arc::make_mut(held).last_failure = last_failure;
        }
    }

    /// Leaves out of a reading what another probe of the site already shows, for a series twice
    /// in a scrape is an error, and what is beyond the site's share.
    fn leave_out(&self, reading: &mut Reading, now: UnixMillis, ignored: &mut Ignored) {
        let others =
            || self.probes.values().filter(|p| p.reading.probe != reading.probe && p.is_fresh(now));
        let mut left = SERIES.saturating_sub(others().map(|other| other.lines.series()).sum());
        let mut samples = std::mem::take(&mut reading.samples);
        samples.retain(|sample| {
            let Name::Known(row) = &sample.name else { return false };
            let label = sample.label.as_deref();
            let cause = if !row.has_label("probe") && others().any(|o| shows(o, row, label)) {
                Cause::Duplicate
            } else if series_of(row) > left {
                Cause::TooManySeries
            } else {
                left -= series_of(row);
                return true;
            };
            *ignored.entry(cause).or_default() += 1;
            false
        });
        reading.samples = samples;
        reading.troubles.truncate(left);
    }

    fn make_room(&mut self) {
        while self.probes.len() > PROBES
            && let Some(oldest) = self.probes.iter().min_by_key(|(_, probe)| probe.expires_at())
        {
            let oldest = oldest.0.clone();
            self.probes.remove(&oldest);
        }
    }
}

/// Puts samples where the last ones were, if they fit there well. What is kept then never moves:
/// it leaves no holes in which the next, a little longer, does not fit.
fn over(mut last: Vec<Sample>, mut samples: Vec<Sample>) -> Vec<Sample> {
    if (samples.len()..=2 * samples.len()).contains(&last.capacity()) {
        last.clear();
        last.append(&mut samples);
        return last;
    }
    samples.shrink_to_fit();
    samples
}

/// How long after it was heard a site is up that promised to be heard again within `again_ms`.
fn promised(again_ms: u64) -> i64 {
    let again = again_ms.clamp(PROMISE_MILLIS_MIN, EVERY_MILLIS_MAX);
    i64::try_from(again).unwrap_or(i64::MAX).saturating_mul(LIFE_INTERVALS)
}

/// Whether a probe shows a series without the probe's name in it.
fn shows(probe: &Probe, row: &Metric, label: Option<&str>) -> bool {
    probe.lines.has(row)
        && probe.reading.samples.iter().any(|sample| {
            matches!(&sample.name, Name::Known(other) if other.name == row.name)
                && sample.label.as_deref() == label
        })
}

fn later_failure(
    held: Option<&Probe>,
    reading: &Reading,
    taken_at: UnixMillis,
) -> Option<PastFailure> {
    let known = held.and_then(|probe| probe.last_failure.as_ref());
    match &reading.failure {
        Some(failure) if known.is_none_or(|known| known.at < taken_at) => {
            Some(PastFailure { at: taken_at, failure: failure.clone() })
        }
        _ => known.cloned(),
    }
}
