//! `agent.yaml`. Every key has a default: an empty file is a good one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use wire::duration::Span;
use wire::yaml::{self, Fault, Faults, Findings};
use wire::{Language, ProbeName, limits};

use crate::probes::{Probe, ProbeConfig};
use crate::runner::Task;
use crate::update::Updates;
use crate::{own, page, platform, profile, spool};

/// Probes one agent may have: an ordinary bridge has a dozen, and each is a task and a reading
/// in every report.
const PROBES_MAX: usize = 64;

/// A shorter interval would load the line it measures.
const EVERY_MIN: Duration = Duration::from_secs(1);

/// What `agent.yaml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Where identity and spool live.
    pub state_dir: PathBuf,
    /// Of people's output; default: the system's.
    pub language: Option<Language>,
    /// The cycle in which readings are gathered into a report. News does not wait for its end.
    pub report_every: Span,
    /// An HTTP proxy for the way to the collector (`http://proxy.tinh.gov.vn:3128`); default:
    /// what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
    pub proxy: Option<String>,
    /// How much the spool may hold.
    pub spool: Spool,
    /// Of the page for whoever sits in the room, on this PC alone; 0 is none.
    pub page_port: u16,
    /// Whose updates of this program are taken; default: nobody's.
    pub updates: Updates,
    /// What is measured, by name; default: this PC and the way to the collector.
    pub probes: Option<BTreeMap<ProbeName, ProbeConfig>>,
}

/// How much the spool may hold while the collector is away.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spool {
    /// Mebibytes on disk.
    pub megabytes: u64,
    /// Age of the oldest report.
    pub keep: Span,
}

impl Default for File {
    fn default() -> Self {
        Self {
            state_dir: platform::state_dir(),
            language: None,
            // The cadence inside a meeting's clock: a fault must be seen within 20 s.
            report_every: Span::seconds(15),
            proxy: None,
            spool: Spool::default(),
            page_port: page::PORT,
            updates: Updates::default(),
            probes: None,
        }
    }
}

impl Default for Spool {
    fn default() -> Self {
        // A week of reports each 15 s, some 1.5 kB each, is 60 MB: a line that is repaired
        // after the holidays finds everything.
        Self { megabytes: 64, keep: Span::seconds(7 * 24 * 3600) }
    }
}

impl Spool {
    /// The same in the spool's own terms.
    #[must_use]
    pub fn limits(self) -> spool::Limits {
        spool::Limits { bytes: self.megabytes * 1024 * 1024, age: self.keep.0 }
    }
}

/// A configuration that has been checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file as it was read.
    pub file: File,
    /// Its probes, in the order of their names.
    pub tasks: Vec<Task>,
}

/// Reads and checks `path`. A file that does not exist is an empty one only where nobody named
/// it. The probes of the collector's profile lie under the file's.
pub fn load(path: &Path, named: bool) -> Result<Config, Faults> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => String::new(),
        Err(error) => return Err(Faults(vec![unreadable(path, &error)])),
    };
    parse(path, &text).map(profile::laid_under)
}

/// Checks `text`, the content of `path`.
pub fn parse(path: &Path, text: &str) -> Result<Config, Faults> {
    let (file, mut findings) = yaml::open::<File>(path, text);
    let config = file.map(|file| {
        check_limits(&file, &mut findings);
        let tasks = tasks(&file, BTreeMap::new(), &mut findings);
        Config { file, tasks }
    });
    findings.finish(config)
}

/// The tasks where the probes of a profile lie under those of `file`.
///
/// # Errors
/// All faults of the profile, whose content is `text`.
pub(crate) fn tasks_under(file: &File, profile: &Path, text: &str) -> Result<Vec<Task>, Faults> {
    /// Keys of later versions are left alone.
    #[derive(Deserialize)]
    struct Central {
        probes: BTreeMap<ProbeName, ProbeConfig>,
    }
    let (central, mut findings) = yaml::open::<Central>(profile, text);
    let tasks = central.map(|central| tasks(file, central.probes, &mut findings));
    findings.finish(tasks)
}

fn tasks(
    file: &File,
    central: BTreeMap<ProbeName, ProbeConfig>,
    findings: &mut Findings,
) -> Vec<Task> {
    let mut probes = central;
    match &file.probes {
        Some(own) => probes.extend(own.clone()),
        None if probes.is_empty() => probes = default_probes(),
        None => {}
    }
    if probes.len() > PROBES_MAX {
        let count = probes.len();
        findings.add_alone(
            "probes",
            format!("an agent has at most {PROBES_MAX} probes, these are {count}"),
        );
    }
    let mut tasks = Vec::new();
    for (name, probe) in probes {
        match task(name.clone(), probe) {
            Ok(task) => tasks.push(task),
            Err((key, message)) => findings.add(&format!("probes.{name}{key}"), message),
        }
    }
    tasks
}

fn check_limits(file: &File, findings: &mut Findings) {
    if !(Duration::from_secs(5)..=Duration::from_mins(10)).contains(&file.report_every.0) {
        findings.add_alone(
            "report_every",
            "must lie between 5s (each report is a request) and 10m (nobody would know of a silent site)",
        );
    }
    if !(1..=10_240).contains(&file.spool.megabytes) {
        findings.add_alone("spool.megabytes", "must lie between 1 and 10240");
    }
    file.updates.check(findings);
    if file.spool.keep.0 < Duration::from_hours(1) {
        findings
            .add_alone("spool.keep", "must be at least 1h, or an ordinary outage loses readings");
    }
}

/// The key below the probe where the fault lies, and what it is.
type ProbeFault = (&'static str, String);

fn task(name: ProbeName, config: ProbeConfig) -> Result<Task, ProbeFault> {
    if name.as_str() == own::NAME {
        return Err((
            "",
            format!("{:?} is the agent's reading of itself; choose another name", own::NAME),
        ));
    }
    let (every, timeout, capability) = (config.every, config.timeout, config.capability);
    let probe = kind(config)?;
    let every = every.map_or_else(|| probe.default_every(), |span| span.0);
    if every < EVERY_MIN || every > Duration::from_millis(limits::EVERY_MILLIS_MAX) {
        return Err((".every", "must lie between 1s and 24h".into()));
    }
    let timeout = timeout.map_or_else(|| probe.default_timeout(every), |span| span.0);
    if timeout.is_zero() || timeout > every {
        let message =
            format!("must be more than 0s and at most the interval, which is {}", Span(every));
        return Err((".timeout", message));
    }
    let capability = capability.or_else(|| probe.default_capability());
    Ok(Task { name, every, timeout, capability, probe })
}

fn kind(config: ProbeConfig) -> Result<Probe, ProbeFault> {
    let kinds = config.into_kinds();
    match <[Probe; 1]>::try_from(kinds) {
        Ok([probe]) => Ok(probe),
        Err(kinds) if kinds.is_empty() => {
            Err(("", format!("says no kind of probe; one of {}", ProbeConfig::KINDS.join(", "))))
        }
        Err(kinds) => {
            let named: Vec<&str> = kinds.iter().map(Probe::kind).collect();
            Err(("", format!("is of several kinds ({}); make one probe of each", named.join(", "))))
        }
    }
}

/// What an agent measures that was told nothing: the PC it runs on.
fn default_probes() -> BTreeMap<ProbeName, ProbeConfig> {
    let text =
        "{ host: { host: {} }, power: { power: {} }, link: { link: {} }, clock: { clock: {} } }";
    yaml::read(Path::new("defaults"), text).unwrap_or_default()
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault {
        file: path.to_owned(),
        line: 0,
        column: 0,
        key: String::new(),
        message: format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let error = parse(Path::new("agent.yaml"), text).unwrap_err();
        error
            .0
            .into_iter()
            .map(|fault| format!("{} {}: {}", fault.line, fault.key, fault.message))
            .collect()
    }

    #[test]
    fn an_empty_file_measures_this_pc() {
        let config = parse(Path::new("agent.yaml"), "").unwrap();
        let names: Vec<&str> = config.tasks.iter().map(|task| task.name.as_str()).collect();
        assert_eq!(names, ["clock", "host", "link", "power"]);
    }

    #[test]
    fn a_probe_takes_what_it_does_not_say_from_its_kind() {
        let text = "probes: { web: { every: 1m, tcp: { host: 10.0.0.10, port: 443 } } }";
        let config = parse(Path::new("agent.yaml"), text).unwrap();
        assert_eq!(config.tasks[0].every, Duration::from_mins(1));
        assert!(config.tasks[0].timeout <= config.tasks[0].every);
        assert_eq!(config.tasks[0].probe.kind(), "tcp");
    }

    #[test]
    fn every_fault_of_the_files_own_rules_has_its_line() {
        let text = "report_every: 1s\nprobes:\n  a: {}\n  b: { clock: {}, host: {} }\n  c: { every: 2s, timeout: 5s, clock: {} }\n";
        let found = faults(text);
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].starts_with("1 report_every: must lie between"), "{found:#?}");
        assert!(found[1].starts_with("3 probes.a: says no kind of probe"), "{found:#?}");
        assert!(
            found[2].starts_with("4 probes.b: is of several kinds (host, clock)"),
            "{found:#?}"
        );
        assert!(found[3].starts_with("5 probes.c.timeout: must be more than 0s"), "{found:#?}");
    }
}
