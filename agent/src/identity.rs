//! Who this PC is to its collector: `identity.json` in the state directory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::SiteId;

use crate::platform;

const FILE: &str = "identity.json";

/// Of a site that another PC has taken over; kept for whoever asks what this PC was.
const ASIDE: &str = "identity.replaced.json";

/// Of the file's form; raised when an older agent could not read it.
const VERSION: u32 = 1;

/// 256 random bits: beyond guessing for ever, so it needs no renewal.
const CREDENTIAL_BYTES: usize = 32;

/// Characters a line of PEM has (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// What enrolment gave this PC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The site this PC reports for.
    pub site: SiteId,
    /// Host and port of the collector (`collector.tinh.gov.vn:8443`).
    pub collector: String,
    /// The certificate of the collector's authority, DER.
    pub authority: Vec<u8>,
    /// The secret that proves the site.
    pub credential: Credential,
}

/// A secret that does not show itself in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credential(String);

impl Credential {
    /// A new one from the system's randomness.
    pub fn make() -> io::Result<Self> {
        let mut bytes = [0; CREDENTIAL_BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// The text that follows `Bearer `.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// Why there is no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file makes no sense.
    #[error("{} is damaged ({fault}); enrol this PC again with a new code", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
}

/// The file's form.
#[derive(Serialize, Deserialize)]
struct Form {
    version: u32,
    site: SiteId,
    collector: String,
    authority: String,
    credential: Credential,
}

/// Reads the identity; `None` where this PC is not enrolled.
pub fn load(state_dir: &Path) -> Result<Option<Identity>, IdentityError> {
    let path = state_dir.join(FILE);
    let Some(form) = read::<Form>(&path)? else { return Ok(None) };
    let damaged = |fault: &str| IdentityError::Damaged { path: path.clone(), fault: fault.into() };
    if form.version != VERSION {
        return Err(damaged(&format!("version {}, this agent knows {VERSION}", form.version)));
    }
    let authority = from_pem(&form.authority)
        .ok_or_else(|| damaged("the authority's certificate is not PEM"))?;
    Ok(Some(Identity {
        site: form.site,
        collector: form.collector,
        authority,
        credential: form.credential,
    }))
}

/// Writes the identity, whole or not at all.
pub fn save(state_dir: &Path, identity: &Identity) -> Result<(), IdentityError> {
    let form = Form {
        version: VERSION,
        site: identity.site.clone(),
        collector: identity.collector.clone(),
        authority: to_pem(&identity.authority),
        credential: identity.credential.clone(),
    };
    write(&state_dir.join(FILE), &form)
}

/// Puts the identity aside, so that this PC is no site any more and enrols like a new one; false
/// where it has been enrolled anew meanwhile, which stays.
pub fn set_aside(state_dir: &Path, dismissed: &Identity) -> Result<bool, IdentityError> {
    if load(state_dir)?.is_some_and(|current| current != *dismissed) {
        return Ok(false);
    }
    let path = state_dir.join(FILE);
    match fs::rename(&path, state_dir.join(ASIDE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(IdentityError::File { path, error })
        }
        _ => Ok(true),
    }
}

/// Reads a JSON file of the state directory; `None` where there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, IdentityError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(IdentityError::File { path: path.to_owned(), error }),
    };
    let damaged = |fault: String| IdentityError::Damaged { path: path.to_owned(), fault };
    let text = platform::unsealed(text)
        .map_err(|error| damaged(format!("it was not sealed on this PC: {error}")))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| damaged(error.to_string()))
}

/// Writes a JSON file of the state directory so that a power cut leaves the old one or the new
/// one.
pub(crate) fn write(path: &Path, form: &impl Serialize) -> Result<(), IdentityError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let new = path.with_extension("new");
    let written = || -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(form)?;
        text.push(b'\n');
        let text = platform::sealed(&text)?;
        platform::private_directory(directory)?;
        let mut file = platform::private_file(&new)?;
        file.set_len(0)?;
        file.write_all(&text)?;
        file.sync_all()?;
        drop(file);
        platform::replace(&new, path)
    };
    written().map_err(|error| IdentityError::File { path: path.to_owned(), error })
}

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

fn to_pem(der: &[u8]) -> String {
    let mut pem = format!("{PEM_BEGIN}\n");
    for (index, symbol) in BASE64.encode(der).chars().enumerate() {
        if index > 0 && index % PEM_LINE == 0 {
            pem.push('\n');
        }
        pem.push(symbol);
    }
    pem + "\n" + PEM_END + "\n"
}

fn from_pem(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    let symbols: String = body.split_whitespace().collect();
    BASE64.decode(symbols.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            site: "th-0316".parse().unwrap(),
            collector: "collector.tinh.gov.vn:8443".into(),
            authority: (0..=200).collect(),
            credential: Credential::make().unwrap(),
        }
    }

    #[test]
    fn an_identity_reads_back_and_only_its_user_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        assert_eq!(load(&state).unwrap(), None);
        let identity = identity();
        save(&state, &identity).unwrap();
        assert_eq!(load(&state).unwrap().as_ref(), Some(&identity));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&state), mode(&state.join(FILE))), (0o700, 0o600));
        }
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "nothing half-written is left");
    }

    #[test]
    fn a_second_enrolment_replaces_the_first_whole() {
        let directory = tempfile::tempdir().unwrap();
        let long = Identity { authority: vec![1; 4000], ..identity() };
        save(directory.path(), &long).unwrap();
        // A crash may leave a half-written file behind.
        fs::write(directory.path().join("identity.new"), vec![b'x'; 20_000]).unwrap();
        let short = identity();
        save(directory.path(), &short).unwrap();
        assert_eq!(load(directory.path()).unwrap(), Some(short));
    }

    #[test]
    fn an_identity_is_put_aside_unless_there_is_a_newer_one() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (identity(), identity());
        save(directory.path(), &new).unwrap();
        assert!(!set_aside(directory.path(), &old).unwrap());
        assert_eq!(load(directory.path()).unwrap(), Some(new.clone()));
        assert!(set_aside(directory.path(), &new).unwrap());
        assert!(set_aside(directory.path(), &new).unwrap(), "twice does no harm");
        assert_eq!(load(directory.path()).unwrap(), None);
    }

    #[test]
    fn a_damaged_identity_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        save(directory.path(), &identity()).unwrap();
        let path = directory.path().join(FILE);
        let good = platform::unsealed(fs::read(&path).unwrap()).unwrap();
        let good = String::from_utf8(good).unwrap();
        for bad in [
            "",
            "{}",
            &good[..good.len() / 2],
            &good.replace("\"version\": 1", "\"version\": 9"),
            &good.replace("BEGIN", "BEGUN"),
            &good.replace("th-0316", "../etc"),
        ] {
            fs::write(&path, bad).unwrap();
            let error = load(directory.path()).unwrap_err().to_string();
            assert!(error.contains("enrol this PC again"), "{error}");
        }
    }

    #[test]
    fn a_credential_is_long_new_each_time_and_never_shown() {
        let (first, second) = (Credential::make().unwrap(), Credential::make().unwrap());
        assert_ne!(first, second);
        assert_eq!(first.expose().len(), 43);
        assert!(
            !format!("{:?}", Identity { credential: first.clone(), ..identity() })
                .contains(first.expose())
        );
    }
}
