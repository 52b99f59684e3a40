//! Updates of the agents: what an operator has signed and offered, given to a few sites, then to
//! more, then to all, and to no site within two hours of its meeting.
//!
//! ```text
//!  update offer ─▶ store, state/updates/<id> ─▶ Release ─┐
//!  POST /v1/reports: what runs, what was given up ───────┼▶ Rollout ─▶ the id on offer, in answers
//!  fleet: who is up; calendar: who meets soon ───────────┘     │
//!                                            GET /v1/update ◀──┴──▶ GET /v1/update/{id}, in parts
//! ```
//! The collector never signs: the private key stays with the operator. It hands on what is signed
//! by a key in its configuration, and the agents believe only the keys in theirs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use wire::duration::Span;
use wire::update::{self, Fault, Manifest, PublicKey, Version};
use wire::yaml::Findings;

pub mod desk;
mod page;
mod parts;
mod rollout;

pub use rollout::{Look, Phase, Rollout, Stage, Standings};

/// Below the state directory.
const FOLDER: &str = "updates";

/// As many as an agent believes.
const KEYS: usize = 4;

/// A trial on more sites than this is no trial any more.
const TRIAL_SITES: usize = 50;

/// What an agent takes for its own trial lies below; shorter, and a stage has seen nothing.
const SHORTEST: Duration = Duration::from_secs(5);

/// A stage that lasts longer keeps a fleet at two versions for weeks.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// A line of a gigabit; more is a slip.
const MEGABITS: u32 = 1_000;

/// `updates` in `collector.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// Whose signatures may be offered. Without one nothing ever is.
    pub keys: Vec<PublicKey>,
    /// Switches all of it off where keys are given.
    pub enabled: bool,
    /// How a new version is given out.
    pub stages: Stages,
    /// What of the collector's own line may be spent on programs, in Mbit/s: the reports of a
    /// fleet need one or two.
    pub megabits: u32,
}

/// How a new version is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stages {
    /// Sites that get it first.
    pub sites: usize,
    /// Percent of all sites that get it next.
    pub share: usize,
    /// How long each of them must have run it before more get it.
    pub lasts: Span,
}

impl Default for Updates {
    fn default() -> Self {
        // A fifth of the hundred that a province's centre has: its meetings come first.
        Self { keys: Vec::new(), enabled: true, stages: Stages::default(), megabits: 20 }
    }
}

impl Default for Stages {
    fn default() -> Self {
        // Three, so that one bad line or one odd PC is no verdict. Faults that come with time
        // (memory, handles) show within hours; a fleet has the whole night.
        Self { sites: 3, share: 10, lasts: Span(Duration::from_hours(2)) }
    }
}

impl Updates {
    /// Whether anything is offered.
    #[must_use]
    pub fn are_on(&self) -> bool {
        self.enabled && !self.keys.is_empty()
    }

    pub(crate) fn check(&self, findings: &mut Findings) {
        let Stages { sites, share, lasts } = self.stages;
        for (bad, key, message) in [
            (self.keys.len() > KEYS, "keys", "at most 4"),
            (!(1..=TRIAL_SITES).contains(&sites), "stages.sites", "must lie between 1 and 50"),
            (!(1..=100).contains(&share), "stages.share", "is a percentage, between 1 and 100"),
            (
                !(SHORTEST..=LONGEST).contains(&lasts.0),
                "stages.lasts",
                "must lie between 5s and 7d",
            ),
            (!(1..=MEGABITS).contains(&self.megabits), "megabits", "must lie between 1 and 1000"),
        ] {
            if bad {
                findings.add(&format!("updates.{key}"), message.to_owned());
            }
        }
    }
}

/// One version, for each platform it was built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// By platform.
    pub offers: BTreeMap<Box<str>, Offer>,
}

/// A program of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Of its manifest.
    pub id: Box<str>,
    /// The manifest as it travels.
    pub text: Box<str>,
    /// What it says.
    pub manifest: Manifest,
}

/// Why texts are no release.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseFault {
    /// A manifest is not to be believed.
    #[error("manifest {0}: {1}")]
    Manifest(usize, Fault),
    /// They are not of one version.
    #[error("they are of versions {0} and {1}; offer one version at a time")]
    Versions(Version, Version),
    /// Two are for the same platform.
    #[error("two are for {0}; offer one program for each platform")]
    Platform(Box<str>),
    /// There are none.
    #[error("there is no manifest")]
    Nothing,
}

impl Release {
    /// The release of these manifests, each signed by one of `keys`.
    ///
    /// # Errors
    /// Why they are none; the place of the manifest at fault counts from 1.
    pub fn of(texts: &[impl AsRef<str>], keys: &[PublicKey]) -> Result<Self, ReleaseFault> {
        let mut release: Option<Self> = None;
        for (index, text) in texts.iter().enumerate() {
            let text = text.as_ref();
            let manifest = update::open(text, keys)
                .map_err(|fault| ReleaseFault::Manifest(index + 1, fault))?;
            let version = manifest.version;
            let release = release.get_or_insert_with(|| Self { version, offers: BTreeMap::new() });
            if release.version != version {
                return Err(ReleaseFault::Versions(release.version, version));
            }
            let offer = Offer { id: update::id(text), text: text.into(), manifest };
            let platform = offer.manifest.platform.clone();
            if release.offers.insert(platform.clone(), offer).is_some() {
                return Err(ReleaseFault::Platform(platform));
            }
        }
        release.ok_or(ReleaseFault::Nothing)
    }
}

/// Where the collector keeps the program of a manifest.
#[must_use]
pub fn program(state_dir: &Path, id: &str) -> PathBuf {
    state_dir.join(FOLDER).join(id)
}
