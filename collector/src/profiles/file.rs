//! `profiles.yaml`. The structs are the file; what they refuse, they refuse with its place.
//!
//! ```yaml
//! trial: { sites: 3, lasts: 3m }            # a change is tried here first
//! profiles:                                 # each is laid over those before it
//!   - probes:                               # of every site
//!       mcu: { every: 15s, icmp: { host: 10.0.0.10 } }
//!   - sites: { levels: [commune] }          # as in a meeting: levels, areas, ids, except
//!     probes: { camera: { every: 30s, camera: {} } }
//!   - sites: { ids: [th-0316] }
//!     probes: { camera: null }              # taken away again
//! ```
//! What a probe says is the agents' to judge: of a fleet of mixed versions only each of them knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use wire::ProbeName;
use wire::duration::Span;
use wire::limits::PROFILE_BYTES;
use wire::yaml::Faults;

use super::{Profiles, Rule, Trial};
use crate::meetings::Participants;

/// A rule for each site of a large province, and some.
const RULES: usize = 1_000;

/// Of one rule: what an agent runs at most.
const PROBES: usize = 64;

/// A trial on more sites than this is no trial any more.
const TRIAL_SITES: usize = 50;

/// A probe runs at rest once in a few minutes: shorter, and a trial has seen nothing.
const SHORTEST: Duration = Duration::from_secs(5);

/// A trial that lasts longer meets the next day's meetings.
const LONGEST: Duration = Duration::from_hours(4);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    trial: DraftTrial,
    profiles: Vec<Draft>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DraftTrial {
    sites: usize,
    lasts: Span,
}

impl Default for DraftTrial {
    fn default() -> Self {
        // Three, so that one bad line or one odd PC is no verdict; at rest each has reported
        // within two minutes what its probes found.
        Self { sites: 3, lasts: Span(Duration::from_mins(3)) }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Draft {
    sites: Option<Of>,
    probes: BTreeMap<ProbeName, Option<Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Of {
    levels: Vec<String>,
    areas: Vec<String>,
    ids: Vec<String>,
    except: Vec<String>,
}

impl Draft {
    fn of(sites: Option<Of>) -> Participants {
        match sites {
            None => Participants { everybody: true, ..Participants::default() },
            Some(Of { levels, areas, ids, except }) => {
                Participants { levels, areas, ids, except, ..Participants::default() }
            }
        }
    }

    fn fault(&self) -> Option<String> {
        if self.probes.is_empty() {
            return Some("names no probe".to_owned());
        }
        if self.probes.len() > PROBES {
            let count = self.probes.len();
            return Some(format!("an agent has at most {PROBES} probes, these are {count}"));
        }
        let bytes = serde_json::to_vec(&self.probes).map_or(0, |text| text.len());
        (bytes > PROFILE_BYTES / 2)
            .then(|| format!("is {bytes} bytes long; a profile has at most {PROFILE_BYTES} in all"))
    }
}

/// Reads `text`, the content of `file`.
///
/// # Errors
/// All faults of the file.
pub fn parse(file: &Path, text: &str) -> Result<Profiles, Faults> {
    let (content, mut findings) = wire::yaml::open::<File>(file, text);
    let profiles = content.map(|File { trial, profiles }| {
        if trial.sites > TRIAL_SITES {
            findings.add("trial.sites", format!("at most {TRIAL_SITES}"));
        }
        if !(SHORTEST..=LONGEST).contains(&trial.lasts.0) {
            findings.add("trial.lasts", "must lie between 5s and 4h");
        }
        if profiles.len() > RULES {
            findings.add("profiles", format!("at most {RULES}"));
        }
        for (index, draft) in profiles.iter().enumerate() {
            if let Some(message) = draft.fault() {
                findings.add(&format!("profiles[{index}].probes"), message);
            }
        }
        let rules = profiles
            .into_iter()
            .map(|Draft { sites, probes }| Rule { of: Draft::of(sites), probes })
            .collect();
        Profiles { trial: Trial { sites: trial.sites, lasts: trial.lasts.0 }, rules }
    });
    findings.finish(profiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_place() {
        for (text, said) in [
            (
                "profiles: [{ sites: { id: [a] }, probes: { a: {} } }]",
                "profiles.yaml:1:23: profiles[0].sites.id",
            ),
            ("profiles: [{}]", "profiles[0]"),
            ("trial: { sites: 51 }", "trial.sites: at most 50"),
            ("trial: { lasts: 1s }", "trial.lasts: must lie between 5s and 4h"),
            ("profiles: [{ probes: { \"a b\": {} } }]", "profiles[0].probes"),
        ] {
            let faults = parse("profiles.yaml".as_ref(), text).unwrap_err().to_string();
            assert!(faults.contains(said), "{faults}");
        }
    }

    #[test]
    fn no_file_is_too_strange() {
        let known = "trial: { sites: 3, lasts: 3m }\nprofiles:\n  - probes: { mcu: { every: 15s, icmp: { host: 10.0.0.10 } } }\n  - { sites: { ids: [a], except: [b] }, probes: { mcu: null } }\n";
        crate::mutations::survives(&[known], |bytes| {
            parse("profiles.yaml".as_ref(), &String::from_utf8_lossy(bytes)).is_ok()
        });
    }
}
