//! Who may use camera and microphone under Windows, and who does: the privacy settings
//! (`CapabilityAccessManager\ConsentStore`) that its programs are held to. Pure.

use serde::{Deserialize, Serialize};

/// The settings for one kind of device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Consent {
    /// `LetAppsAccessCamera` of the administrator's policy; 2 forces it off.
    pub(super) policy: Option<u64>,
    /// Of the whole PC: `Allow` or `Deny`.
    pub(super) machine: Option<String>,
    /// Of each user who is signed in: for all programs, and for those that are no apps of the
    /// store, as conference clients are.
    pub(super) users: Vec<[Option<String>; 2]>,
    /// Which programs used it.
    pub(super) uses: Vec<Use>,
}

/// When a program last used it, in hundreds of nanoseconds since 1601.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Use {
    /// `C:#Program Files#Zoom#bin#Zoom.exe`, or a package's name.
    pub(super) program: String,
    pub(super) start: u64,
    /// 0 while it goes on.
    pub(super) stop: Option<u64>,
}

/// Who uses it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// This program.
    Program(String),
    /// No program.
    Nobody,
    /// Nothing was ever written down, as before Windows 10 of 2019.
    Unseen,
}

impl Holder {
    /// Whether it is in use, and by which program.
    pub(super) fn told(self) -> (Option<bool>, Option<String>) {
        match self {
            Self::Program(name) => (Some(true), Some(name)),
            Self::Nobody => (Some(false), None),
            Self::Unseen => (None, None),
        }
    }
}

impl Consent {
    /// Which setting keeps programs from it.
    pub(super) fn denied(&self) -> Option<&'static str> {
        let denies = |value: &Option<String>| value.as_deref() == Some("Deny");
        if self.policy == Some(2) {
            Some("the administrator's policy")
        } else if denies(&self.machine) {
            Some("the PC's privacy setting")
        } else if self.users.iter().any(|[all, _]| denies(all)) {
            Some("the user's privacy setting")
        } else if self.users.iter().any(|[_, desktop]| denies(desktop)) {
            Some("the user's privacy setting for desktop programs")
        } else {
            None
        }
    }

    /// Who uses it now. A power cut leaves uses behind that never end: what began before `boot`,
    /// or is not among those that run, is over.
    pub(super) fn holder(&self, boot: u64, runs: impl Fn(&str) -> bool) -> Holder {
        if self.uses.is_empty() {
            return Holder::Unseen;
        }
        let goes_on = |one: &&Use| one.stop == Some(0) && one.start > boot;
        let named = self.uses.iter().filter(goes_on).filter_map(|one| {
            let program = one.program.rsplit(['#', '\\']).next()?;
            // Of a package no program is named that could be looked for.
            let alive = !program.to_lowercase().ends_with(".exe") || runs(program);
            alive.then(|| program.to_owned())
        });
        named.into_iter().next().map_or(Holder::Nobody, Holder::Program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_setting_that_denies_is_named() {
        let word = |word: &str| Some(word.to_owned());
        let allowed = Consent {
            policy: Some(0),
            machine: word("Allow"),
            users: vec![[word("Allow"), word("Allow")], [None, None]],
            ..Consent::default()
        };
        assert_eq!(allowed.denied(), None);
        assert_eq!(Consent::default().denied(), None);
        for (settings, named) in [
            (Consent { policy: Some(2), ..allowed.clone() }, "policy"),
            (Consent { machine: word("Deny"), ..allowed.clone() }, "the PC's"),
            (Consent { users: vec![[word("Deny"), None]], ..allowed.clone() }, "the user's"),
            (Consent { users: vec![[None, word("Deny")]], ..allowed.clone() }, "desktop"),
        ] {
            assert!(settings.denied().unwrap().contains(named), "{settings:?}");
        }
    }

    #[test]
    fn what_was_never_written_down_is_not_known() {
        assert_eq!(Holder::Unseen.told(), (None, None));
        assert_eq!(Holder::Nobody.told(), (Some(false), None));
        let zoom = || "Zoom.exe".to_owned();
        assert_eq!(Holder::Program(zoom()).told(), (Some(true), Some(zoom())));
    }

    #[test]
    fn a_use_that_goes_on_is_of_a_program_that_runs_since_the_pc_does() {
        let used = |start, stop| Use {
            program: "C:#Program Files#Họp#vmeeting.exe".to_owned(),
            start,
            stop,
        };
        let of = |uses: Vec<Use>| Consent { uses, ..Consent::default() };
        let runs = |program: &str| program == "vmeeting.exe";
        assert_eq!(of(vec![]).holder(100, runs), Holder::Unseen);
        for (uses, running, user) in [
            (vec![used(200, Some(0))], true, Some("vmeeting.exe")),
            (vec![used(200, Some(300))], true, None),
            (vec![used(50, Some(0))], true, None),
            (vec![used(200, Some(0))], false, None),
            (vec![used(200, None)], true, None),
            (vec![used(200, Some(300)), used(200, Some(0))], true, Some("vmeeting.exe")),
        ] {
            let found = of(uses.clone()).holder(100, |program| running && runs(program));
            let expected =
                user.map_or(Holder::Nobody, |name: &str| Holder::Program(name.to_owned()));
            assert_eq!(found, expected, "{uses:?}");
        }
        let package =
            Use { program: "Microsoft.WindowsCamera_8wekyb3d8bbwe".into(), ..used(200, Some(0)) };
        let name = "Microsoft.WindowsCamera_8wekyb3d8bbwe".to_owned();
        assert_eq!(of(vec![package]).holder(100, |_| false), Holder::Program(name));
    }
}
