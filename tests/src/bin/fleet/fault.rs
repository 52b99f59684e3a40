//! What can be wrong with a site, and when. Pure.

use ::tests::dice::Dice;
use serde::Deserialize;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Nothing passes between the site and the rest of the world; the agent goes on measuring.
    LineCut,
    /// The PC is off: no agent. One that is off from the beginning never reported.
    SwitchedOff,
    /// The line loses echoes, and the round trip is long and varies.
    LossyLine,
    /// The conference server refuses connections from here.
    ServiceRefuses,
    /// The name server answers no more.
    NamesDead,
    /// A firewall lets some ports not through.
    PortsBlocked,
    /// The camera's cable is out.
    CameraUnplugged,
    /// Somebody pressed the microphone's mute key.
    MicrophoneMuted,
    /// The volume is next to nothing.
    SpeakerQuiet,
    /// The display went to sleep.
    DisplayAsleep,
    /// The PC's clock is wrong by minutes, or by years where its battery is dead.
    ClockWrong,
    /// Something writes on the disk until nothing is left.
    DiskFilling,
    /// The mains is gone, the UPS carries the room.
    OnBattery,
    /// The certificate of the conference's web page ends within the hour.
    CertificateEnding,
    /// An update waits for a restart.
    RestartPending,
    /// The agent is of a version of long ago.
    OldAgent,
}

impl Fault {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 16] = [
        Self::LineCut,
        Self::SwitchedOff,
        Self::LossyLine,
        Self::ServiceRefuses,
        Self::NamesDead,
        Self::PortsBlocked,
        Self::CameraUnplugged,
        Self::MicrophoneMuted,
        Self::SpeakerQuiet,
        Self::DisplayAsleep,
        Self::ClockWrong,
        Self::DiskFilling,
        Self::OnBattery,
        Self::CertificateEnding,
        Self::RestartPending,
        Self::OldAgent,
    ];

    /// What passes by itself, as things do that people or weather cause.
    const PASSING: [Self; 8] = [
        Self::LineCut,
        Self::LossyLine,
        Self::ServiceRefuses,
        Self::CameraUnplugged,
        Self::MicrophoneMuted,
        Self::SpeakerQuiet,
        Self::DisplayAsleep,
        Self::OnBattery,
    ];

    /// As scripts name it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::LineCut => "line_cut",
            Self::SwitchedOff => "switched_off",
            Self::LossyLine => "lossy_line",
            Self::ServiceRefuses => "service_refuses",
            Self::NamesDead => "names_dead",
            Self::PortsBlocked => "ports_blocked",
            Self::CameraUnplugged => "camera_unplugged",
            Self::MicrophoneMuted => "microphone_muted",
            Self::SpeakerQuiet => "speaker_quiet",
            Self::DisplayAsleep => "display_asleep",
            Self::ClockWrong => "clock_wrong",
            Self::DiskFilling => "disk_filling",
            Self::OnBattery => "on_battery",
            Self::CertificateEnding => "certificate_ending",
            Self::RestartPending => "restart_pending",
            Self::OldAgent => "old_agent",
        }
    }
}

/// A fault from one moment to another, in milliseconds since the fleet's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spell {
    pub(crate) fault: Fault,
    pub(crate) from: u64,
    /// [`u64::MAX`]: it stays.
    pub(crate) until: u64,
}

impl Spell {
    fn holds(&self, now: u64) -> bool {
        (self.from..self.until).contains(&now)
    }
}

const HOUR: u64 = 60 * 60 * 1000;

/// How long a passing fault lasts: long enough to be seen, short enough to be seen passing.
const LASTS: (u64, u64) = (2 * 60 * 1000, 10 * 60 * 1000);

/// All that is and will be wrong with one site.
#[derive(Debug)]
pub(crate) struct Troubles {
    scripted: Vec<Spell>,
    passing: Option<Passing>,
}

/// Faults by chance, one at a time.
#[derive(Debug)]
struct Passing {
    /// Between two of them, on average.
    gap: u64,
    dice: Dice,
    next: Spell,
}

impl Troubles {
    /// Of a script, and `an_hour` by chance in each hour.
    pub(crate) fn new(scripted: Vec<Spell>, an_hour: f64, seed: u64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; a cast saturates, and what never comes need not be exact"
        )]
        let gap = (an_hour > 0.0).then(|| (HOUR as f64 / an_hour) as u64);
        let passing = gap.map(|gap| {
            let mut dice = Dice::loaded(seed);
            let next = draw(&mut dice, gap, 0);
            Passing { gap, dice, next }
        });
        Self { scripted, passing }
    }

    /// What is wrong now. Time never goes back.
    pub(crate) fn at(&mut self, now: u64) -> Felt {
        if let Some(passing) = &mut self.passing {
            while passing.next.until <= now {
                passing.next = draw(&mut passing.dice, passing.gap, passing.next.until);
            }
        }
        let held = self.spells().filter(|spell| spell.holds(now));
        Felt(held.map(|spell| (spell.fault, now - spell.from)).collect())
    }

    /// The next moment at which something begins or ends.
    pub(crate) fn changes_after(&self, now: u64) -> u64 {
        let edges = self.spells().flat_map(|spell| [spell.from, spell.until]);
        edges.filter(|edge| *edge > now).min().unwrap_or(u64::MAX)
    }

    fn spells(&self) -> impl Iterator<Item = &Spell> {
        self.scripted.iter().chain(self.passing.iter().map(|passing| &passing.next))
    }
}

fn draw(dice: &mut Dice, gap: u64, after: u64) -> Spell {
    let kind = dice.between(0, Fault::PASSING.len() as u64 - 1);
    let fault = Fault::PASSING[usize::try_from(kind).unwrap_or(0)];
    let from = after + dice.between(1, gap.saturating_mul(2).max(1));
    Spell { fault, from, until: from + dice.between(LASTS.0, LASTS.1) }
}

/// What is wrong with a site at a moment, each fault with how long it has been in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Felt(pub(crate) Vec<(Fault, u64)>);

impl Felt {
    /// Whether it is wrong.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.lasting(fault).is_some()
    }

    /// For how many milliseconds it has been wrong.
    pub(crate) fn lasting(&self, fault: Fault) -> Option<u64> {
        self.0.iter().find(|(felt, _)| *felt == fault).map(|(_, lasting)| *lasting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scripted_fault_holds_from_its_beginning_to_its_end() {
        let cut = Spell { fault: Fault::LineCut, from: 100, until: 200 };
        let mut troubles = Troubles::new(vec![cut], 0.0, 1);
        for (now, lasting, next) in
            [(0, None, 100), (100, Some(0), 200), (199, Some(99), 200), (200, None, u64::MAX)]
        {
            assert_eq!(troubles.at(now).lasting(Fault::LineCut), lasting, "{now}");
            assert_eq!(troubles.changes_after(now), next, "{now}");
        }
    }

    #[test]
    fn faults_by_chance_come_about_as_often_as_they_should_and_the_same_with_each_seed() {
        let walk = |seed| {
            let (mut troubles, mut now, mut begun) = (Troubles::new(Vec::new(), 2.0, seed), 0, 0);
            while now < 1000 * HOUR {
                begun += usize::from(!troubles.at(now).0.is_empty());
                now = troubles.changes_after(now);
            }
            begun
        };
        // Every other one is a gap; lasting 6 min on average they are a little rarer.
        assert!((1500..2200).contains(&walk(1)), "{}", walk(1));
        assert_eq!(walk(1), walk(1));
        assert_ne!(walk(1), walk(2));
    }

    #[test]
    fn every_fault_reads_from_its_label() {
        for fault in Fault::ALL {
            assert_eq!(serde_yaml::from_str::<Fault>(fault.label()).unwrap(), fault);
        }
    }
}
