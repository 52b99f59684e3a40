//! The operator's private key: a file of its own that never comes near a running collector.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use wire::update::{PublicKey, SIGNATURE_BYTES};

/// RFC 7468 section 10: what other programs write of keys too.
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key is 120 letters; this leaves room for one that another program made.
const BYTES: u64 = 4096;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum KeyError {
    #[error("{}: is there already; a key is never overwritten", .0.display())]
    Exists(PathBuf),
    #[error("{path}: others may read it: chmod 600 {path}", path = .0.display())]
    Open(PathBuf),
    #[error("{}: is no private key of Ed25519 in PEM", .0.display())]
    Form(PathBuf),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("the system gives no random numbers")]
    Random,
}

impl KeyError {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Exists(path) => {
                format!("{}: tệp đã có; khóa không bao giờ bị ghi đè", path.display())
            }
            Self::Open(path) => {
                let path = path.display();
                format!("{path}: người khác đọc được; hãy chạy: chmod 600 {path}")
            }
            Self::Form(path) => format!("{}: không phải khóa bí mật Ed25519 (PEM)", path.display()),
            Self::File { .. } | Self::Random => self.to_string(),
        }
    }
}

/// Makes a key into a file that is not there yet, and gives its public half.
pub(super) fn make(path: &Path) -> Result<PublicKey, KeyError> {
    let pkcs8 =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
    let public = public(&pair(pkcs8.as_ref(), path)?, path)?;
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{BEGIN}\n{}\n{END}", BASE64.encode(pkcs8.as_ref()))?;
        file.sync_all()
    };
    match written() {
        Ok(()) => Ok(public),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(KeyError::Exists(path.to_owned()))
        }
        Err(error) => Err(KeyError::File { path: path.to_owned(), error }),
    }
}

/// Reads a key that nobody else may read.
pub(super) fn read(path: &Path) -> Result<Ed25519KeyPair, KeyError> {
    let failed = |error| KeyError::File { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(KeyError::Open(path.to_owned()));
    }
    let mut text = String::new();
    file.take(BYTES).read_to_string(&mut text).map_err(failed)?;
    let wrong = || KeyError::Form(path.to_owned());
    let body = text.trim().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END));
    let letters: String = body.ok_or_else(wrong)?.split_whitespace().collect();
    let pkcs8 = BASE64.decode(letters.as_bytes()).map_err(|_| wrong())?;
    pair(&pkcs8, path)
}

/// Of PKCS#8 (RFC 8410); other programs leave the public half out.
fn pair(pkcs8: &[u8], path: &Path) -> Result<Ed25519KeyPair, KeyError> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| KeyError::Form(path.to_owned()))
}

fn public(pair: &Ed25519KeyPair, path: &Path) -> Result<PublicKey, KeyError> {
    let bytes = pair.public_key().as_ref().try_into();
    bytes.map(PublicKey::new).map_err(|_| KeyError::Form(path.to_owned()))
}

/// Signs a text.
pub(super) fn sign(pair: &Ed25519KeyPair, text: &[u8]) -> Result<[u8; SIGNATURE_BYTES], KeyError> {
    pair.sign(text).as_ref().try_into().map_err(|_| KeyError::Random)
}
