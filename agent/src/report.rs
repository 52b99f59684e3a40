//! Readings of one cycle become one numbered report. Pure: it takes `now`.
//!
//! A report closes at the end of its cycle, with or without readings: it is also the site's
//! heartbeat. It closes early when a reading says something new (a probe that begins to fail, a
//! camera that comes back), because in the last half hour before a meeting that news must not
//! wait for the rest of the cycle. Of a probe that runs several times in a cycle and says the same
//! each time, the last reading stands for all: its totals include theirs.

use std::collections::HashMap;
use std::time::Duration;

use smol_str::SmolStr;
use uuid::Uuid;
use wire::reading::{Name, Reading, Reason, Value};
use wire::{AgentInfo, Cause, DeviceState, ProbeName, Report, UnixMillis};

/// News waits this long for its neighbours: a pulled cable fails several probes at once, and
/// they should make one report. Short, because the first reading after an installation is
/// awaited by a person.
pub const NEWS_WAITS: Duration = Duration::from_millis(500);

/// Readings after which a report closes whatever the clock says; far above a cycle's worth and
/// below [`wire::limits::READINGS_PER_REPORT`].
const FULL: usize = 128;

/// What tells that a path loses echoes, though the run did not fail.
const LOSS: &str = "bridge_probe_loss_ratio";

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the PC's wall clock, which may be years off.
    pub unix: UnixMillis,
    /// By the monotonic clock, in milliseconds.
    pub uptime: u64,
}

/// Gathers readings into reports.
#[derive(Debug)]
pub struct Assembler {
    boot: Uuid,
    agent: AgentInfo,
    seq: u64,
    pending: Vec<(Reading, u64)>,
    closes_at: u64,
    last_words: HashMap<ProbeName, Words>,
}

/// What a reading says, numbers aside: its failure, the states of devices, their troubles.
type Words = (Option<Reason>, Vec<(Option<SmolStr>, DeviceState)>, Vec<(Box<str>, Cause)>);

impl Assembler {
    /// An assembler for this start of the agent at `uptime`, its first cycle lasting `every`.
    #[must_use]
    pub fn new(boot: Uuid, agent: AgentInfo, every: Duration, uptime: u64) -> Self {
        Self {
            boot,
            agent,
            seq: 0,
            pending: Vec::new(),
            closes_at: uptime.saturating_add(millis(every)),
            last_words: HashMap::new(),
        }
    }

    /// Takes a reading that ended at `uptime`. Where it is `urgent`, lost echoes are news each
    /// time: the collector believes them only when it sees them again.
    pub fn add(&mut self, reading: Reading, uptime: u64, urgent: bool) {
        let words = words(&reading);
        let before = self.last_words.insert(reading.probe.clone(), words.clone());
        let same = before == Some(words);
        let news = !same || (urgent && loses(&reading));
        let last = || self.pending.iter().rposition(|(last, _)| last.probe == reading.probe);
        if let (true, Some(superseded)) = (same, last()) {
            self.pending.remove(superseded);
        }
        self.pending.push((reading, uptime));
        if self.pending.len() >= FULL {
            self.closes_at = uptime;
        } else if news {
            self.closes_at = self.closes_at.min(uptime.saturating_add(millis(NEWS_WAITS)));
        }
    }

    /// When the open report should be closed, on the monotonic clock.
    #[must_use]
    pub fn closes_at(&self) -> u64 {
        self.closes_at
    }

    /// Closes the report; the next cycle lasts `every`. `own` is the agent's reading of itself,
    /// taken now.
    pub fn close(&mut self, now: Moment, every: Duration, own: Reading) -> Report {
        self.seq += 1;
        self.closes_at = now.uptime.saturating_add(millis(every));
        let mut readings: Vec<Reading> = self
            .pending
            .drain(..)
            .map(|(mut reading, at)| {
                reading.age_ms = now.uptime.saturating_sub(at);
                reading
            })
            .collect();
        readings.push(own);
        Report {
            boot: self.boot,
            seq: self.seq,
            taken_at: now.unix,
            uptime_ms: now.uptime,
            agent: self.agent.clone(),
            readings,
        }
    }
}

fn words(reading: &Reading) -> Words {
    let states = reading.samples.iter().filter_map(|sample| match (&sample.name, &sample.value) {
        (Name::Known(_), Value::State(state)) => Some((sample.label.clone(), *state)),
        _ => None,
    });
    let troubles = reading.troubles.iter().map(|trouble| (trouble.device.clone(), trouble.cause));
    let failure = reading.failure.as_ref().map(|failure| failure.reason);
    (failure, states.collect(), troubles.collect())
}

fn loses(reading: &Reading) -> bool {
    reading.samples.iter().any(|sample| match (&sample.name, &sample.value) {
        (Name::Known(row), Value::Number(share)) => row.name == LOSS && *share > 0.0,
        _ => false,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Trouble;
    use wire::reading::Failure;

    const CYCLE: u64 = 15_000;
    const NEWS: u64 = 500;

    fn assembler() -> Assembler {
        Assembler::new(Uuid::nil(), AgentInfo::default(), Duration::from_millis(CYCLE), 0)
    }

    fn reading(probe: &str, failure: Option<Reason>) -> Reading {
        Reading {
            probe: probe.parse().unwrap(),
            kind: "tcp".into(),
            capability: None,
            every_ms: CYCLE,
            age_ms: 0,
            duration_us: 1,
            troubles: vec![],
            failure: failure.map(|reason| Failure::new(reason, "")),
            samples: Vec::new(),
        }
    }

    fn at(uptime: u64) -> Moment {
        Moment { unix: 0, uptime }
    }

    #[test]
    fn a_report_closes_at_the_end_of_its_cycle_with_or_without_readings() {
        let mut assembler = assembler();
        assert_eq!(assembler.closes_at(), CYCLE);
        assembler.close(at(CYCLE), Duration::from_millis(CYCLE), reading("agent", None));
        assert_eq!(assembler.closes_at(), 2 * CYCLE);
    }

    #[test]
    fn news_closes_it_early_and_the_same_news_does_not() {
        let mut assembler = assembler();
        assembler.add(reading("mcu", None), 100, false);
        assert_eq!(assembler.closes_at(), 100 + NEWS, "the first word of a probe is news");
        assembler.close(at(600), Duration::from_millis(CYCLE), reading("agent", None));
        assembler.add(reading("mcu", Some(Reason::Timeout)), 10_000, false);
        assert_eq!(assembler.closes_at(), 10_000 + NEWS);
        assembler.close(at(10_500), Duration::from_millis(CYCLE), reading("agent", None));
        assembler.add(reading("mcu", Some(Reason::Timeout)), 20_000, false);
        assert_eq!(assembler.closes_at(), 10_500 + CYCLE);
    }

    #[test]
    fn a_new_trouble_is_news_though_no_state_changed() {
        let mut assembler = assembler();
        assembler.add(reading("sip", None), 100, false);
        assembler.close(at(600), Duration::from_millis(CYCLE), reading("agent", None));
        let trouble = Trouble { device: "sip".into(), cause: Cause::Overloaded, detail: "".into() };
        assembler.add(Reading { troubles: vec![trouble], ..reading("sip", None) }, 10_000, false);
        assert_eq!(assembler.closes_at(), 10_000 + NEWS);
    }

    #[test]
    fn reports_are_numbered_from_one_and_readings_keep_their_age() {
        let mut assembler = assembler();
        assembler.add(reading("a", None), 100, false);
        assembler.add(reading("b", None), 400, false);
        let report =
            assembler.close(at(1_000), Duration::from_millis(CYCLE), reading("agent", None));
        assert_eq!(report.seq, 1);
        let ages: Vec<u64> = report.readings.iter().map(|reading| reading.age_ms).collect();
        assert_eq!(ages, [900, 600, 0]);
        assert_eq!(
            assembler.close(at(2_000), Duration::from_millis(CYCLE), reading("agent", None)).seq,
            2
        );
    }

    #[test]
    fn of_readings_that_say_the_same_the_last_stands_for_all() {
        let mut assembler = assembler();
        let failed = reading("mcu", Some(Reason::Timeout));
        for (at, reading) in [(1, reading("mcu", None)), (2, failed.clone()), (3, failed)] {
            assembler.add(reading, at, false);
        }
        let report = assembler.close(at(10), Duration::from_millis(CYCLE), reading("agent", None));
        let told: Vec<_> =
            report.readings.iter().map(|r| (r.age_ms, r.failure.is_some())).collect();
        assert_eq!(told, [(9, false), (7, true), (0, false)]);
    }

    #[test]
    fn near_a_meeting_lost_echoes_are_news_each_time() {
        let sample = serde_json::json!({ "name": LOSS, "value": 0.1 });
        let mut lossy = reading("mcu", None);
        lossy.samples.push(serde_json::from_value(sample).unwrap());
        for (urgent, closes_at) in [(false, CYCLE), (true, 5_000 + NEWS)] {
            let mut assembler = assembler();
            assembler.add(lossy.clone(), 0, urgent);
            assembler.close(at(0), Duration::from_millis(CYCLE), reading("agent", None));
            assembler.add(lossy.clone(), 5_000, urgent);
            assert_eq!(assembler.closes_at(), closes_at);
        }
    }

    #[test]
    fn a_flood_of_readings_closes_the_report_before_it_is_too_large() {
        let mut assembler = assembler();
        for probe in 0..FULL {
            assembler.add(reading(&format!("mcu-{probe}"), None), 7, false);
        }
        assert_eq!(assembler.closes_at(), 7);
    }
}
