//! The operator's own certificate.

use std::path::Path;
use std::time::SystemTime;

use wire::UnixMillis;

use super::served::Served;
use super::{AuthorityError, files};
use crate::config::{HostName, OwnCertificate};

/// Tells one state of the two files from another without reading them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<(SystemTime, u64)>; 2]);

impl Stamp {
    pub(super) fn of(own: &OwnCertificate) -> Self {
        Self([&own.chain, &own.key].map(|path| {
            let metadata = path.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        }))
    }
}

/// Reads and checks it.
pub(super) fn open(
    own: &OwnCertificate,
    names: &[HostName],
    now: UnixMillis,
) -> Result<Served, AuthorityError> {
    let chain = present(&own.chain)?;
    let key = present(&own.key)?;
    Served::new((&own.chain, &chain), (&own.key, &key), names, now)
}

fn present(path: &Path) -> Result<String, AuthorityError> {
    files::read(path)?.ok_or_else(|| AuthorityError::unusable(path, "there is no such file"))
}
