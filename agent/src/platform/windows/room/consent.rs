//! The privacy settings, from the registry.

use std::time::Duration;

use windows_sys::Win32::System::Registry::{HKEY_CURRENT_USER, HKEY_USERS};

use super::super::registry::{Key, MACHINE};
use super::super::{session, software, times};
use crate::platform::consent::{Consent, Holder, Use};
use crate::platform::session::{Told, Topic};

/// Below the PC's key and each user's.
const STORE: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore";

/// Where administrators' policies for apps stand.
const POLICY: &str = r"SOFTWARE\Policies\Microsoft\Windows\AppPrivacy";

/// Programs that are no apps of the store, which conference clients mostly are.
const DESKTOP: &str = "NonPackaged";

/// Between 1601, from which Windows counts, and 1970.
const UNIX_SECONDS: f64 = 11_644_473_600.0;

/// What the settings come to.
pub(super) struct Asked {
    /// The setting that denies.
    pub(super) denied: Option<&'static str>,
    /// Who uses it.
    pub(super) holder: Holder,
}

/// Of what the settings are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Camera,
    Microphone,
}

impl Kind {
    /// Where its settings stand, of the PC and of each user.
    fn path(self) -> String {
        let name = match self {
            Self::Camera => "webcam",
            Self::Microphone => "microphone",
        };
        format!(r"{STORE}\{name}")
    }

    /// The policy that stands over them.
    fn policy(self) -> &'static str {
        match self {
            Self::Camera => "LetAppsAccessCamera",
            Self::Microphone => "LetAppsAccessMicrophone",
        }
    }

    fn topic(self) -> Topic {
        match self {
            Self::Camera => Topic::CameraConsent,
            Self::Microphone => Topic::MicrophoneConsent,
        }
    }
}

/// What the settings of the PC and of whoever sits at it come to.
pub(super) fn ask(kind: Kind) -> Asked {
    let mut consent = read(kind);
    // A service may not read the settings of users.
    if let Ok(Told::Consent(user)) = session::ask(kind.topic()) {
        consent.users.extend(user.users);
        consent.uses.extend(user.uses);
    }
    let boot = times::system_times().map_or(0.0, |times| times.boot_unix_seconds);
    let boot = Duration::try_from_secs_f64(boot + UNIX_SECONDS).unwrap_or_default();
    let boot = u64::try_from(boot.as_nanos() / 100).unwrap_or_default();
    let running = software::processes();
    let runs = |program: &str| running.iter().any(|name| name.eq_ignore_ascii_case(program));
    Asked { denied: consent.denied(), holder: consent.holder(boot, runs) }
}

/// The settings of the user of this program.
pub(super) fn of_user(kind: Kind) -> Consent {
    let key = Key::open(HKEY_CURRENT_USER, &kind.path());
    Consent {
        users: key.iter().map(words).collect(),
        uses: key.iter().flat_map(uses).collect(),
        ..Consent::default()
    }
}

fn read(kind: Kind) -> Consent {
    let path = kind.path();
    let machine = Key::open(MACHINE, &path);
    let names = Key::open(HKEY_USERS, "").map(|users| users.names()).unwrap_or_default();
    let of_user = |name: &String| Key::open(HKEY_USERS, &format!(r"{name}\{path}"));
    let users: Vec<Key> = names.iter().filter_map(of_user).collect();
    Consent {
        policy: Key::open(MACHINE, POLICY).and_then(|key| key.number(kind.policy())),
        machine: machine.as_ref().and_then(|key| key.text("Value")),
        users: users.iter().map(words).collect(),
        uses: users.iter().chain(&machine).flat_map(uses).collect(),
    }
}

/// For all programs, and for those that are no apps of the store.
fn words(key: &Key) -> [Option<String>; 2] {
    [key.text("Value"), key.below(DESKTOP).and_then(|key| key.text("Value"))]
}

/// What was written down below a key of the store: of apps there, of other programs one deeper.
fn uses(key: &Key) -> Vec<Use> {
    let below = |key: &Key| {
        let one = |program: String| {
            let entry = key.below(&program)?;
            let start = entry.number("LastUsedTimeStart")?;
            Some(Use { program, start, stop: entry.number("LastUsedTimeStop") })
        };
        key.names().into_iter().filter_map(one).collect::<Vec<_>>()
    };
    let desktop = key.below(DESKTOP).map(|key| below(&key)).unwrap_or_default();
    below(key).into_iter().chain(desktop).collect()
}
