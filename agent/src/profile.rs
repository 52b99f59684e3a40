//! The collector's profile: which probes this site runs.
//!
//! ```text
//!  push ─▶ the etag on offer ─▶ follow ─▶ GET /v1/profile ─▶ plan (checked as a whole)
//!   ▲                             │                            │ good          │ faulty
//!   └────────── standing ◀────────┴─▶ profile.json             ▼               ▼
//!                                                        probing: only    the last good one
//!                                                        what changed     goes on, refused
//! ```
//! What stands in this PC's own file is laid over the profile: a technician's word counts.

mod follow;
mod kept;
mod probing;

use std::path::Path;

use tokio::sync::watch;
use wire::profile::{Document, Standing};
use wire::yaml::{Fault, Faults};

use crate::config::{self, Config, File};
use crate::runner::Task;

pub(crate) use follow::Follower;
pub use kept::{Kept, Profile};
pub(crate) use probing::Probing;

/// What the uplink and the one who follows profiles tell each other.
#[derive(Debug)]
pub struct Ends {
    /// The etag that the collector's last answer named.
    pub offered: watch::Sender<Option<Box<str>>>,
    /// What each push says.
    pub standing: watch::Receiver<Standing>,
}

/// A task, and how the profile wrote it; `None` where this PC's own file did.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) task: Task,
    pub(crate) spec: Option<serde_json::Value>,
}

/// The tasks of a site whose own file is `file` under the profile `text`.
///
/// # Errors
/// All faults of the profile. It is taken as a whole or not at all.
pub(crate) fn plan(file: &File, text: &str) -> Result<Vec<Planned>, Faults> {
    let name = Path::new("profile");
    let fault = |message: String| {
        let key = String::new();
        Faults(vec![Fault { file: name.to_owned(), line: 0, column: 0, key, message }])
    };
    let Document { mut probes } =
        serde_json::from_str(text).map_err(|error| fault(error.to_string()))?;
    let own = file.probes.as_ref();
    probes.retain(|probe, _| !own.is_some_and(|own| own.contains_key(probe)));
    let tasks = config::tasks_under(file, name, text)?;
    let planned = |task: Task| Planned { spec: probes.remove(&task.name), task };
    Ok(tasks.into_iter().map(planned).collect())
}

/// The configuration with the probes of the profile that was last taken. A profile that this
/// version cannot read is left out; `run` will say so to the collector.
#[must_use]
pub fn laid_under(config: Config) -> Config {
    let kept = Kept::load(&config.file.state_dir);
    let Some(profile) = kept.running() else { return config };
    match plan(&config.file, &profile.text) {
        Ok(planned) => {
            let tasks = planned.into_iter().map(|planned| planned.task).collect();
            Config { tasks, ..config }
        }
        Err(_) => config,
    }
}

/// The first of many faults, as the collector's log shows it.
fn first(faults: &Faults) -> String {
    let Some(fault) = faults.0.first() else { return String::new() };
    if fault.key.is_empty() {
        fault.message.clone()
    } else {
        format!("{}: {}", fault.key, fault.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(own: &str, profile: &str) -> Vec<(String, bool)> {
        let file = config::parse(Path::new("agent.yaml"), own).unwrap().file;
        let planned = plan(&file, profile).unwrap();
        planned
            .iter()
            .map(|planned| (planned.task.name.to_string(), planned.spec.is_some()))
            .collect()
    }

    #[test]
    fn what_stands_in_the_pcs_own_file_is_laid_over_the_profile() {
        let profile =
            r#"{"probes":{"clock":{"clock":{}},"mcu":{"tcp":{"host":"10.0.0.1","port":80}}}}"#;
        let central = |name: &str| (name.to_owned(), true);
        assert_eq!(names("", profile), [central("clock"), central("mcu")]);
        let own = "probes: { mcu: { tcp: { host: 10.9.9.9, port: 80 } }, pc: { host: {} } }";
        let local = |name: &str| (name.to_owned(), false);
        assert_eq!(names(own, profile), [central("clock"), local("mcu"), local("pc")]);
    }

    #[test]
    fn an_empty_profile_leaves_the_choice_to_the_pc() {
        let names: Vec<_> =
            names("", r#"{"probes":{}}"#).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["clock", "host", "link", "power"]);
    }

    #[test]
    fn a_profile_is_taken_as_a_whole_or_not_at_all() {
        let file = config::parse(Path::new("agent.yaml"), "").unwrap().file;
        for (text, said) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            (r#"{"probes":{"x":{"of_tomorrow":{}}}}"#, "probes.x.of_tomorrow: unknown key"),
            (r#"{"probes":{"x":{"clock":{}},"y":{}}}"#, "probes.y: says no kind of probe"),
        ] {
            let faults = plan(&file, text).unwrap_err();
            assert!(first(&faults).starts_with(said), "{}", first(&faults));
        }
    }

    #[test]
    fn no_profile_is_too_strange() {
        let file = config::parse(Path::new("agent.yaml"), "").unwrap().file;
        let known = [
            r#"{"probes":{"mcu":{"every":"15s","icmp":{"host":"10.0.0.10"}},"pc":{"host":{}}}}"#,
            r#"{"probes":{"camera":{"capability":"camera","camera":{"name":"Logitech"}}}}"#,
        ];
        crate::mutations::survives(&known, |text| {
            str::from_utf8(text).is_ok_and(|text| plan(&file, text).is_ok())
        });
    }
}
