//! Whether the conference client is installed, could start, is new enough, and runs.

use std::cmp::Ordering;
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure};
use wire::{Cause, DeviceState};

use super::aside::Aside;
use super::failure;
use crate::platform::{self, Software as Found};
use crate::tally::Run;

/// `software: { program: zoom, at_least: "5.17", running: true }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// The program's name, or where it lies: `zoom`, `/opt/trueconf/TrueConf`.
    pub program: Box<str>,
    /// The package it is installed from, which has its version. Default: one of the same name.
    #[serde(default)]
    pub package: Option<Box<str>>,
    /// The oldest version the meeting's server takes. Default: any.
    #[serde(default)]
    pub at_least: Option<Box<str>>,
    /// Whether it must run all the time, as one that answers calls. Default: no.
    #[serde(default)]
    pub running: bool,
    #[serde(skip)]
    asking: Aside<Found>,
}

impl Software {
    /// Programs come and go with updates, which take minutes.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of: in a room without a codec the client takes its place.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Codec);

    /// The list of packages is read from disk, which an old one takes its time for.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Looks for it. Nothing is started.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let program = self.program.clone();
        let package = self.package.clone().unwrap_or_else(|| self.name().into());
        let asking = self.asking.ask(move || platform::software(&program, &package));
        let what = format_args!("look for {}", self.program);
        let found = failure::within(failure::patience(run), what, asking).await?;
        self.record(run, &found);
        Ok(())
    }

    /// `/opt/trueconf/TrueConf` is told as `TrueConf`.
    fn name(&self) -> &str {
        self.program.rsplit(['/', '\\']).next().unwrap_or(&self.program)
    }

    fn record(&self, run: &mut Run<'_>, found: &Found) {
        let name = self.name();
        let troubles = self.troubles(found);
        let state = troubles.iter().map(|(cause, _)| cause.state()).max();
        run.device(name, state.unwrap_or(DeviceState::Ok));
        for (cause, detail) in &troubles {
            run.trouble(name, *cause, detail);
        }
        run.gauge_of("bridge_device_in_use", name, f64::from(u8::from(found.running)));
        let version = found.version.as_deref().unwrap_or("-");
        let (vi, en) = match (found.installed, found.running) {
            (false, _) => ("chưa cài đặt", "not installed"),
            (true, false) => ("đã cài, chưa mở", "installed, not running"),
            (true, true) => ("đang chạy", "running"),
        };
        run.step(
            || format!("{name}: {vi}, phiên bản {version}."),
            || format!("{name}: {en}, version {version}."),
        );
        if let Some(version) = &found.version {
            run.gauge_of("bridge_software_info", version, 1.0);
        }
    }

    fn troubles(&self, found: &Found) -> Vec<(Cause, String)> {
        if !found.installed {
            return vec![(Cause::NotInstalled, String::new())];
        }
        if let Some(why) = &found.broken {
            return vec![(Cause::Broken, why.clone())];
        }
        let mut troubles = Vec::new();
        if self.running && !found.running {
            troubles.push((Cause::NotRunning, String::new()));
        }
        if let (Some(wanted), Some(version)) = (&self.at_least, &found.version)
            && compared(version, wanted) == Ordering::Less
        {
            troubles.push((Cause::Outdated, format!("{version} is older than {wanted}")));
        }
        troubles
    }
}

/// Number by number; a package's epoch (`2:`) and whatever is no number do not count.
fn compared(version: &str, wanted: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        let text = text.split_once(':').map_or(text, |(_, version)| version);
        let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        parts.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
    };
    let (mut version, wanted) = (numbers(version), numbers(wanted));
    // 5.17.1 is enough for 5.17.
    version.truncate(wanted.len());
    version.cmp(&wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::Probe;
    use crate::probes::bench::{Bench, config};

    fn found(version: &str, running: bool) -> Found {
        Found { installed: true, broken: None, version: Some(version.to_owned()), running }
    }

    #[test]
    fn each_step_to_a_running_client_is_judged() {
        let broken = Found { broken: Some("why".to_owned()), ..found("5.17", false) };
        for (yaml, found, devices, troubles) in [
            ("{ program: zoom }", Found::default(), "zoom missing", "zoom not_installed"),
            ("{ program: zoom }", broken, "zoom blocked", "zoom broken"),
            ("{ program: zoom }", found("5.17", false), "zoom ok", ""),
            (
                "{ program: zoom, running: true }",
                found("5.17", false),
                "zoom blocked",
                "zoom not_running",
            ),
            ("{ program: zoom, running: true }", found("5.17", true), "zoom ok", ""),
            (
                "{ program: /opt/zoom, at_least: \"5.17\" }",
                found("5.9.2", true),
                "zoom degraded",
                "zoom outdated",
            ),
        ] {
            let probe: Software = config(yaml);
            let seen = Bench::default().record(|run| probe.record(run, &found));
            assert_eq!(
                (seen.devices().as_str(), seen.troubles().as_str()),
                (devices, troubles),
                "{yaml}"
            );
        }
    }

    #[test]
    fn versions_are_compared_number_by_number() {
        use Ordering::{Equal, Greater, Less};
        for (version, wanted, expected) in [
            ("5.17.11.3835", "5.17", Equal),
            ("5.9", "5.17", Less),
            ("6", "5.17", Greater),
            ("5", "5.17", Less),
            ("2:5.18-1+deb12u1", "5.17", Greater),
            ("5.17", "5.17", Equal),
            ("", "1", Less),
        ] {
            assert_eq!(compared(version, wanted), expected, "{version} {wanted}");
        }
    }

    #[tokio::test]
    async fn a_program_of_this_pc_is_found() {
        let own = std::env::current_exe().unwrap();
        let name = own.file_name().unwrap().to_str().unwrap();
        let yaml = format!("{{ program: '{}', running: true }}", own.display());
        let seen = Bench::default().run(&mut Probe::Software(config(&yaml))).await;
        assert_eq!((seen.result.clone(), seen.devices()), (Ok(()), format!("{name} ok")));
    }
}
