//! What is kept of profiles between two starts: the one that runs, the last that proved good
//! while that one is on trial, and the one refused last. The rules are pure; only `load` and
//! `save` touch the disk.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wire::profile::{RefusedProfile, Standing};

use crate::identity::{self, IdentityError};

const FILE: &str = "profile.json";

/// Starts within one trial. A PC may be switched off in the first minute; one that comes to no
/// minute three times does so because of the profile.
const STARTS: u32 = 3;

/// A profile as the collector gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name: the same etag is the same text.
    pub etag: Box<str>,
    /// The text, a [`wire::profile::Document`].
    pub text: String,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    running: Option<Profile>,
    /// Starts in which the running one has not come to its end yet; `None` once it proved good.
    trial: Option<u32>,
    /// What ran before the one on trial.
    previous: Option<Profile>,
    refused: Option<RefusedProfile>,
    /// The agent that wrote this: another version may be able to run what this one refused.
    version: String,
}

impl Kept {
    /// Reads it. What is damaged is none: the collector offers it again.
    #[must_use]
    pub fn load(state_dir: &Path) -> Self {
        identity::read(&state_dir.join(FILE)).ok().flatten().unwrap_or_default()
    }

    /// Writes it, whole or not at all.
    pub(super) fn save(&self, state_dir: &Path) -> Result<(), IdentityError> {
        identity::write(&state_dir.join(FILE), self)
    }

    /// The profile that runs.
    #[must_use]
    pub fn running(&self) -> Option<&Profile> {
        self.running.as_ref()
    }

    pub(super) fn is_on_trial(&self) -> bool {
        self.trial.is_some()
    }

    /// Whether there is nothing to do about an offer.
    pub(super) fn knows(&self, etag: &str) -> bool {
        self.running.as_ref().is_some_and(|profile| *profile.etag == *etag)
            || self.refused.as_ref().is_some_and(|refused| *refused.etag == *etag)
    }

    /// What the collector is told.
    pub(super) fn standing(&self) -> Standing {
        Standing {
            running: self.running.as_ref().map(|profile| profile.etag.clone()),
            refused: self.refused.clone(),
        }
    }

    /// A start of the agent.
    pub(super) fn begun(mut self, version: &str) -> Self {
        if self.version != version {
            self.refused = None;
            version.clone_into(&mut self.version);
        }
        match self.trial {
            Some(starts) if starts >= STARTS => {
                let reason = format!("the agent ended {starts} times within a minute of starting");
                self.taken_back(&reason)
            }
            Some(starts) => Self { trial: Some(starts + 1), ..self },
            None => self,
        }
    }

    /// A good profile was taken and is on trial.
    pub(super) fn took(self, profile: Profile) -> Self {
        let previous = if self.is_on_trial() { self.previous } else { self.running };
        Self { running: Some(profile), trial: Some(1), previous, ..self }
    }

    /// The agent was asked to end in the midst of a trial: that speaks for nothing.
    pub(super) fn ended_well(self) -> Self {
        Self { trial: self.trial.map(|_| 0), ..self }
    }

    /// The trial is over and nothing happened.
    pub(super) fn proved(self) -> Self {
        Self { trial: None, previous: None, ..self }
    }

    /// A profile that cannot be run; what runs goes on.
    pub(super) fn refuse(self, etag: Box<str>, reason: &str) -> Self {
        let reason = reason.escape_default().take(wire::limits::TEXT_CHARS).collect::<String>();
        Self { refused: Some(RefusedProfile { etag, reason: reason.into() }), ..self }
    }

    /// The running profile is given up for the one before.
    pub(super) fn taken_back(mut self, reason: &str) -> Self {
        let Some(given_up) = self.running.take() else { return self };
        self.running = self.previous.take();
        self.trial = None;
        self.refuse(given_up.etag, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(etag: &str) -> Profile {
        Profile { etag: etag.into(), text: "{}".into() }
    }

    fn running(kept: &Kept) -> Option<&str> {
        kept.running().map(|profile| &*profile.etag)
    }

    #[test]
    fn a_profile_under_which_the_agent_never_lives_a_minute_is_taken_back() {
        let mut kept = Kept::default().took(profile("good")).proved().took(profile("bad"));
        for _ in 1..STARTS {
            kept = kept.begun("1");
            assert_eq!(running(&kept), Some("bad"), "a PC may be switched off");
        }
        kept = kept.begun("1");
        assert_eq!(running(&kept), Some("good"));
        assert!(kept.knows("bad"), "and is not fetched again");
        let refused = kept.standing().refused.unwrap();
        assert_eq!(&*refused.reason, "the agent ended 3 times within a minute of starting");
    }

    #[test]
    fn a_profile_that_proved_good_stays_however_often_the_agent_starts() {
        let mut kept = Kept::default().took(profile("good")).proved();
        for _ in 0..2 * STARTS {
            kept = kept.begun("1");
        }
        assert_eq!(running(&kept), Some("good"));
    }

    #[test]
    fn a_second_profile_in_a_trial_falls_back_to_the_last_good_one() {
        let kept = Kept::default().took(profile("good")).proved();
        let kept = kept.took(profile("a")).took(profile("b")).taken_back("");
        assert_eq!(running(&kept), Some("good"));
    }

    #[test]
    fn another_version_tries_again_what_this_one_refused() {
        let kept = Kept::default().begun("1").refuse("new".into(), "unknown kind");
        assert!(kept.knows("new"));
        assert!(kept.clone().begun("1").knows("new"));
        assert!(!kept.begun("2").knows("new"));
    }

    #[test]
    fn it_outlives_the_program_and_damage_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Kept::load(directory.path()), Kept::default());
        let kept = Kept::default().begun("1").took(profile("a"));
        kept.save(directory.path()).unwrap();
        assert_eq!(Kept::load(directory.path()), kept);
        std::fs::write(directory.path().join(FILE), "{").unwrap();
        assert_eq!(Kept::load(directory.path()), Kept::default());
    }
}
