//! `updates` in `agent.yaml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use wire::duration::Span;
use wire::update::PublicKey;
use wire::yaml::Findings;

use crate::platform;

/// Of one operator: the one in use and a spare, and both again while they are exchanged.
const KEYS: usize = 4;

/// A slow PC needs some seconds to start and to push.
const TRIAL_SHORTEST: Duration = Duration::from_secs(10);

/// A trial that begins two hours before a meeting must be over long before it.
const TRIAL_LONGEST: Duration = Duration::from_hours(1);

/// The section of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// Whose signatures are believed. Without one nothing is ever taken.
    pub keys: Vec<PublicKey>,
    /// Switches all of it off where keys are given: the installed program runs.
    pub enabled: bool,
    /// How long a new version must live, and within which it must bring a report through.
    pub trial: Span,
}

impl Default for Updates {
    fn default() -> Self {
        // Five reports at rest: one may be lost to the line.
        Self { keys: Vec::new(), enabled: true, trial: Span(Duration::from_mins(10)) }
    }
}

impl Updates {
    /// Whether anything is taken.
    #[must_use]
    pub fn are_on(&self) -> bool {
        self.enabled && !self.keys.is_empty()
    }

    pub(crate) fn check(&self, findings: &mut Findings) {
        if self.keys.len() > KEYS {
            findings.add_alone("updates.keys", format!("at most {KEYS}"));
        }
        if !(TRIAL_SHORTEST..=TRIAL_LONGEST).contains(&self.trial.0) {
            findings.add_alone("updates.trial", "must lie between 10s and 1h");
        }
    }
}

/// All that is needed to hand over to an update.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything of the agent lives.
    pub state_dir: PathBuf,
    /// Whose signatures are believed, and for how long a version is on trial.
    pub updates: Updates,
}

/// Of `agent.yaml` only what is needed for that.
#[derive(Deserialize)]
struct Lenient {
    state_dir: Option<PathBuf>,
    #[serde(default)]
    updates: Updates,
}

impl Settings {
    /// Reads them from `agent.yaml`, leaving everything else in it alone: it may be written for
    /// the update, with keys that the installed program does not know. `None` where updates are
    /// off or the file says nothing of them.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let Lenient { state_dir, updates } = serde_yaml::from_str(&text).ok()?;
        let state_dir = state_dir.unwrap_or_else(platform::state_dir);
        updates.are_on().then_some(Self { state_dir, updates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_or_switched_off_there_are_no_updates() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.yaml");
        let key = PublicKey::new([1; 32]);
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Settings::read(&path).is_some()
        };
        assert!(read(&format!("of_tomorrow: 1\nupdates: {{ keys: [\"{key}\"] }}\n")));
        assert!(!read(&format!("updates: {{ keys: [\"{key}\"], enabled: false }}\n")));
        assert!(!read("updates: { keys: [] }\n"));
        assert!(!read(""));
        std::fs::remove_file(&path).unwrap();
        assert!(Settings::read(&path).is_none());
    }
}
