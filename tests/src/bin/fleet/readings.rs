//! What the probes of a simulated site say: the rows, states, troubles and failures of the real
//! ones, with made-up numbers. Pure: chance comes from the site's dice.

mod network;
mod pc;
mod room;

use std::time::Duration;

use ::tests::dice::Dice;
use agent::tally::{Run, Tally};
use wire::UnixMillis;
use wire::reading::{Capability, Failure, Reading};

use crate::fault::Felt;

use network::Line;
use pc::Pc;
use room::Room;

/// A probe as agents are configured in the field.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) name: &'static str,
    kind: &'static str,
    capability: Capability,
    pub(crate) every: Duration,
}

const fn probe(
    name: &'static str,
    kind: &'static str,
    capability: Capability,
    seconds: u64,
) -> Probe {
    Probe { name, kind, capability, every: Duration::from_secs(seconds) }
}

/// The probes of deploy/examples/agent.yaml, and a UPS.
#[rustfmt::skip]
pub(crate) const PROBES: [Probe; 14] = [
    probe("mcu",        "icmp",       Capability::Network,    15),
    probe("sip",        "sip",        Capability::Network,    30),
    probe("h323",       "h323",       Capability::Network,    30),
    probe("ports",      "ports",      Capability::Network,    300),
    probe("web",        "http",       Capability::Network,    60),
    probe("dns",        "dns",        Capability::Network,    60),
    probe("line",       "link",       Capability::Network,    30),
    probe("camera",     "camera",     Capability::Camera,     30),
    probe("microphone", "microphone", Capability::Microphone, 30),
    probe("speaker",    "speaker",    Capability::Speaker,    30),
    probe("display",    "display",    Capability::Display,    30),
    probe("pc",         "host",       Capability::Host,       60),
    probe("clock",      "clock",      Capability::Clock,      60),
    probe("ups",        "ups",        Capability::Power,      60),
];

/// When and under which circumstances a probe runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub(crate) felt: &'a Felt,
    /// The true time.
    pub(crate) now: UnixMillis,
    /// From this run to the next.
    pub(crate) every: Duration,
    /// Whether a meeting uses the room.
    pub(crate) in_meeting: bool,
}

/// A line, a room and a PC.
#[derive(Debug)]
pub(crate) struct Bridge {
    dice: Dice,
    line: Line,
    room: Room,
    pc: Pc,
}

impl Bridge {
    /// What a seed makes of it; `remote`, from 0 in the plain to 1 in the mountains, is how bad
    /// its line is.
    pub(crate) fn new(seed: u64, remote: f64) -> Self {
        let mut dice = Dice::loaded(seed);
        let line = Line::new(&mut dice, remote);
        let room = Room::new(&mut dice);
        let pc = Pc::new(&mut dice);
        Self { dice, line, room, pc }
    }

    /// By how much the PC's clock is ahead where it is wrong.
    pub(crate) fn clock_off(&self) -> UnixMillis {
        self.pc.clock_off
    }

    /// One run of a probe.
    pub(crate) fn read(
        &mut self,
        probe: &Probe,
        tally: &mut Tally,
        circumstances: Circumstances<'_>,
    ) -> Reading {
        tally.add("bridge_probe_runs_total", None, 1.0);
        let mut run = Run::new(tally, probe.every, probe.every, false);
        let (outcome, took) = self.run(probe, &mut run, circumstances);
        let failure = outcome.err();
        if let Some(failure) = &failure {
            run.count_of("bridge_probe_failures_total", failure.reason.label(), 1.0);
        }
        let observed = run.finish();
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Reading {
            probe: name(probe),
            kind: probe.kind.into(),
            capability: Some(probe.capability),
            every_ms: micros(circumstances.every) / 1000,
            age_ms: 0,
            duration_us: micros(took),
            failure,
            samples: observed.samples,
            troubles: observed.troubles,
        }
    }

    fn run(
        &mut self,
        probe: &Probe,
        run: &mut Run<'_>,
        circumstances: Circumstances<'_>,
    ) -> (Result<(), Failure>, Duration) {
        let Self { dice, line, room, pc } = self;
        match probe.kind {
            "camera" | "microphone" | "speaker" | "display" => {
                let took = Duration::from_micros(dice.between(900, 9_000));
                (room.look(run, probe.kind, circumstances), took)
            }
            "host" | "clock" | "ups" | "link" => {
                let took = Duration::from_micros(dice.between(300, 4_000));
                (pc.look(run, probe.kind, circumstances, dice), took)
            }
            kind => line.ask(run, kind, circumstances, dice),
        }
    }
}

/// A probe's name, which has been tried.
fn name(probe: &Probe) -> wire::ProbeName {
    #[expect(clippy::expect_used, reason = "the names above are constants and tested")]
    probe.name.parse().expect("a good name")
}

/// From 0 to 1.
fn chance(dice: &mut Dice) -> f64 {
    dice.between(0, 1 << 20) as f64 / f64::from(1 << 20)
}

/// From one to the other.
fn between(dice: &mut Dice, low: f64, high: f64) -> f64 {
    low + chance(dice) * (high - low)
}

#[cfg(test)]
mod tests;
