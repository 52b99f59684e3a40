//! The last enrolment, answered or not, beside the identity and protected as it is.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wire::enrolment::{Code, EnrolError, sha256_hex};

use crate::identity::{self, Credential, IdentityError};

const FILE: &str = "enrolment.json";

/// What goes out together.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    /// SHA-256 of the code's secret.
    pub(super) code: String,
    pub(super) credential: Credential,
    /// While the code is still to be asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<Waits>,
    /// Why the collector will never take a code that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<EnrolError>,
}

/// What a PC needs that has a code and is no site yet.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Waits {
    /// The whole code, to ask again with it.
    pub(super) code: String,
    /// Its number at the collector, where the code was the fleet's; none while the collector has
    /// not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<i64>,
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}

/// The last one; one that cannot be read is none, and the code makes another.
pub(super) fn last(state_dir: &Path) -> Option<Attempt> {
    identity::read(&path(state_dir)).ok().flatten()
}

impl Attempt {
    /// The one for this code: with the credential already sent with it, or a new one, on disk
    /// before it is sent.
    pub(super) fn with(state_dir: &Path, code: &Code) -> Result<Self, IdentityError> {
        let hash = sha256_hex(&code.secret);
        if let Some(last) = last(state_dir)
            && last.code == hash
        {
            return Ok(last);
        }
        let credential = Credential::make()
            .map_err(|error| IdentityError::File { path: path(state_dir), error })?;
        let attempt = Self { code: hash, credential, waiting: None, refused: None };
        attempt.keep(state_dir)?;
        Ok(attempt)
    }

    /// The code is to be asked with again.
    pub(super) fn wait(self, state_dir: &Path, waits: Waits) -> Result<(), IdentityError> {
        Self { waiting: Some(waits), refused: None, ..self }.keep(state_dir)
    }

    /// It is over: the code itself is not kept a moment longer than it is needed.
    pub(super) fn end(
        self,
        state_dir: &Path,
        refused: Option<EnrolError>,
    ) -> Result<(), IdentityError> {
        if self.waiting.is_none() && self.refused == refused {
            return Ok(());
        }
        Self { waiting: None, refused, ..self }.keep(state_dir)
    }

    fn keep(&self, state_dir: &Path) -> Result<(), IdentityError> {
        identity::write(&path(state_dir), self)
    }
}

/// Whether this very code was used here: it is typed again to be sure, or rolled out again.
pub(super) fn sent_before(state_dir: &Path, code: &Code) -> bool {
    last(state_dir).is_some_and(|last| last.code == sha256_hex(&code.secret))
}
