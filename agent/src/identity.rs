//! Who this PC is to its collector: `identity.json` in the state directory.

use std::path::{Path, PathBuf};

use wire::SiteId;

/// What enrolment gave this PC.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The site this PC reports for.
    pub site: SiteId,
    /// Host and port of the collector (`collector.tinh.gov.vn:8443`).
    pub collector: String,
    /// The certificate of the collector's authority, DER.
    pub authority: Vec<u8>,
    /// The secret that proves the site.
    pub credential: String,
}

/// Why there is no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file makes no sense.
    #[error("{path} is damaged ({fault}); enrol this PC again with a new code")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
}

/// Reads the identity; `None` where this PC is not enrolled.
pub fn load(_state_dir: &Path) -> Result<Option<Identity>, IdentityError> {
    Ok(None)
}

/// Writes the identity.
pub fn save(_state_dir: &Path, _identity: &Identity) -> Result<(), IdentityError> {
    Ok(())
}
