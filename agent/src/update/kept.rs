//! What is kept of updates between two starts: the one that runs for good, the one on trial and
//! the one given up last. The rules are pure; only `load` and `save` touch the disk.
//!
//! The installed program writes it and no other, however old it is: so its form is for ever.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wire::UnixMillis;
use wire::update::{Failed, How, Version};

use crate::identity::{self, IdentityError};

const FILE: &str = "updates.json";

/// Starts without coming to the end of a trial, or, of one that proved good, without living a
/// minute. A PC may be switched off meanwhile; three times in a row it is the program.
const STARTS: u32 = 3;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    good: Option<Taken>,
    trial: Option<Taken>,
    failed: Option<Failed>,
    /// When the manifest was signed that was taken last.
    newest: UnixMillis,
}

/// An update that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    /// Of its manifest.
    pub(super) id: Box<str>,
    pub(super) version: Version,
    /// The installed version over which it was taken.
    pub(super) over: Version,
    /// Starts since it last proved itself.
    #[serde(default)]
    pub(super) starts: u32,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    Installed,
    Good(Box<str>),
    Trial(Box<str>),
}

impl Kept {
    /// Reads it. What is damaged is none: the installed program runs, and is offered again.
    pub(super) fn load(state_dir: &Path) -> Self {
        identity::read(&state_dir.join(FILE)).ok().flatten().unwrap_or_default()
    }

    /// Writes it, whole or not at all.
    pub(super) fn save(&self, state_dir: &Path) -> Result<(), IdentityError> {
        identity::write(&state_dir.join(FILE), self)
    }

    pub(super) fn failed(&self) -> Option<&Failed> {
        self.failed.as_ref()
    }

    pub(super) fn newest(&self) -> UnixMillis {
        self.newest
    }

    /// The updates whose files are still needed.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        [&self.good, &self.trial].into_iter().flatten().map(|taken| &*taken.id)
    }

    /// A start under the installed version: what is to run now.
    pub(super) fn begun(mut self, installed: Version) -> (Self, Turn) {
        // A newer package wins. One that was taken to go back stays until there is another.
        let stays = |taken: &Taken| taken.over == installed || taken.version > installed;
        self.trial = self.trial.filter(stays);
        self.good = self.good.filter(stays);
        if self.trial.as_ref().is_some_and(|taken| taken.starts >= STARTS) {
            let why =
                format!("it was started {STARTS} times and never came to the end of its trial");
            self = self.given_up(How::Died, &why);
        }
        if let Some(taken) = &mut self.trial {
            taken.starts += 1;
            let id = taken.id.clone();
            return (self, Turn::Trial(id));
        }
        if self.good.as_ref().is_some_and(|taken| taken.starts >= STARTS) {
            self = self.given_up(How::Died, &format!("it ended {STARTS} times within a minute"));
        }
        match &mut self.good {
            Some(taken) => {
                taken.starts += 1;
                let id = taken.id.clone();
                (self, Turn::Good(id))
            }
            None => (self, Turn::Installed),
        }
    }

    /// A checked update is to be tried.
    pub(super) fn took(self, taken: Taken, signed_at: UnixMillis) -> Self {
        Self { trial: Some(taken), newest: self.newest.max(signed_at), ..self }
    }

    /// The trial is over and all was well.
    pub(super) fn proved(self) -> Self {
        let proved = self.trial.map(|taken| Taken { starts: 0, ..taken });
        Self { good: proved.or(self.good), trial: None, ..self }
    }

    /// What runs has lived for a while, or was asked to end: its starts speak for nothing.
    pub(super) fn lived(mut self) -> Self {
        for taken in [&mut self.good, &mut self.trial].into_iter().flatten() {
            taken.starts = 0;
        }
        self
    }

    /// What ran, the one on trial first, is given up for what ran before it.
    pub(super) fn given_up(mut self, how: How, why: &str) -> Self {
        if let Some(taken) = self.trial.take().or_else(|| self.good.take()) {
            self.failed = Some(Failed { id: taken.id, how, reason: super::reason(why) });
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn taken(id: &str, of: &str) -> Taken {
        Taken { id: id.into(), version: version(of), over: version("0.1.0"), starts: 0 }
    }

    fn begun(kept: Kept) -> (Kept, Turn) {
        kept.begun(version("0.1.0"))
    }

    #[test]
    fn an_update_that_never_comes_to_the_end_of_its_trial_is_given_up() {
        let mut kept =
            Kept::default().took(taken("a", "0.2.0"), 1).proved().took(taken("b", "0.3.0"), 2);
        for _ in 0..STARTS {
            let turn;
            (kept, turn) = begun(kept);
            assert_eq!(turn, Turn::Trial("b".into()), "a PC may be switched off");
        }
        let (kept, turn) = begun(kept);
        assert_eq!(turn, Turn::Good("a".into()));
        let failed = kept.failed().unwrap();
        assert_eq!((&*failed.id, failed.how), ("b", How::Died));
        assert_eq!(kept.ids().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn one_that_proved_good_stays_unless_it_never_lives_a_minute() {
        let mut kept = Kept::default().took(taken("a", "0.2.0"), 1).proved();
        for _ in 0..2 * STARTS {
            kept = begun(kept).0.lived();
        }
        for _ in 0..STARTS {
            let turn;
            (kept, turn) = begun(kept);
            assert_eq!(turn, Turn::Good("a".into()));
        }
        assert_eq!(begun(kept).1, Turn::Installed);
    }

    #[test]
    fn a_newer_package_wins_and_an_older_one_does_not() {
        let kept = Kept::default().took(taken("a", "0.2.0"), 1).proved();
        let turn = |installed: &str| kept.clone().begun(version(installed)).1;
        assert_eq!(turn("0.1.0"), Turn::Good("a".into()));
        assert_eq!(turn("0.1.5"), Turn::Good("a".into()), "newer, but older than the update");
        assert_eq!(turn("0.2.0"), Turn::Installed);
        assert_eq!(turn("0.3.0"), Turn::Installed);
    }

    #[test]
    fn what_was_taken_to_go_back_stays_until_there_is_another_package() {
        let back = Taken { over: version("0.3.0"), ..taken("a", "0.2.0") };
        let kept = Kept::default().took(back, 1).proved();
        assert_eq!(kept.clone().begun(version("0.3.0")).1, Turn::Good("a".into()));
        assert_eq!(kept.begun(version("0.3.1")).1, Turn::Installed);
    }

    #[test]
    fn when_a_manifest_was_signed_is_not_forgotten_with_it() {
        let kept = Kept::default().took(taken("a", "0.2.0"), 7).given_up(How::Silent, "");
        assert_eq!(kept.newest(), 7);
        assert_eq!(kept.took(taken("b", "0.2.1"), 5).newest(), 7);
    }

    #[test]
    fn it_outlives_the_program_and_damage_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Kept::load(directory.path()), Kept::default());
        let kept = Kept::default().took(taken("a", "0.2.0"), 7).given_up(How::Died, "\u{1b}[");
        kept.save(directory.path()).unwrap();
        assert_eq!(Kept::load(directory.path()), kept);
        assert_eq!(&*kept.failed().unwrap().reason, "\\u{1b}[");
        std::fs::write(directory.path().join(FILE), "{").unwrap();
        assert_eq!(Kept::load(directory.path()), Kept::default());
    }
}
