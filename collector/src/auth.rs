//! Who is asking: the site of an agent's credential, and the token of the operations' readers.
//!
//! Credentials are looked up in memory, so that a request costs no read of the store; the
//! [`keeper`] holds the memory to what the store says.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use wire::SiteId;
use wire::enrolment::{Dismissal, Dismissed, sha256_hex};

use crate::store::credentials::{Credential, Former};

pub mod keeper;

/// A token that is shorter can be guessed; `openssl rand -hex 16` makes 32.
const TOKEN_BYTES: usize = 16;

/// Every valid credential, by its hash. Found by hash, so that the time a search takes says
/// nothing about a credential.
#[derive(Debug, Default)]
pub struct Auth(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    sites: HashMap<String, SiteId>,
    former: HashMap<String, Dismissal>,
}

impl Auth {
    /// The site whose credential came with the request.
    #[must_use]
    pub fn site_of(&self, headers: &HeaderMap) -> Option<SiteId> {
        let hash = sha256_hex(bearer(headers)?);
        self.0.read().unwrap_or_else(PoisonError::into_inner).sites.get(&hash).cloned()
    }

    /// What a PC is told whose site another PC has taken over.
    #[must_use]
    pub fn dismissal_of(&self, headers: &HeaderMap) -> Option<Dismissal> {
        let hash = sha256_hex(bearer(headers)?);
        self.0.read().unwrap_or_else(PoisonError::into_inner).former.get(&hash).cloned()
    }

    /// From now on these are valid, and no others.
    pub fn replace(&self, credentials: Vec<Credential>, former: Vec<Former>) {
        let sites = credentials.into_iter().map(|c| (c.sha256, c.site)).collect();
        let dismissed =
            |former: Former| Dismissal { error: Dismissed::Replaced, by: former.by, at: former.at };
        let former = former.into_iter().map(|f| (f.sha256.clone(), dismissed(f))).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Known { sites, former };
    }

    /// The sites that hold a credential.
    #[must_use]
    pub fn enrolled(&self) -> BTreeSet<SiteId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).sites.values().cloned().collect()
    }
}

/// Why a token file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds too little.
    #[error(
        "{}: holds {found} characters, a token needs at least {TOKEN_BYTES}; make one with: openssl rand -hex 16",
        path.display()
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// Bytes without the white space around them.
        found: usize,
    },
}

/// The token of the operations' readers, as its hash.
#[derive(Debug)]
pub struct Token(String);

impl Token {
    /// Reads the file; white space around the token is no part of it, as with Prometheus'
    /// `credentials_file`.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read(path)
            .map_err(|source| TokenError::File { path: path.to_owned(), source })?;
        let token = text.trim_ascii();
        if token.len() < TOKEN_BYTES {
            return Err(TokenError::Short { path: path.to_owned(), found: token.len() });
        }
        Ok(Self(sha256_hex(token)))
    }

    /// Whether the request carries it. Hashes are compared: the time that takes depends on the
    /// hash, which nobody can steer, and not on the token.
    #[must_use]
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|given| sha256_hex(given) == self.0)
    }
}

/// RFC 6750 § 2.1; the scheme's letters may be of either case (RFC 9110 § 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| credential.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
    }

    #[test]
    fn a_site_is_known_by_its_credential_alone() {
        let auth = Auth::default();
        let site: SiteId = "th-0316".parse().unwrap();
        auth.replace(
            vec![Credential { site: site.clone(), sha256: sha256_hex(b"secret") }],
            vec![Former { sha256: sha256_hex(b"old"), at: 7, by: "PC-MOI".into() }],
        );
        assert_eq!(auth.dismissal_of(&headers("Bearer old")).unwrap().by, "PC-MOI");
        assert_eq!(auth.site_of(&headers("Bearer old")), None);
        for good in ["Bearer secret", "bearer secret", "BEARER  secret "] {
            assert_eq!(auth.site_of(&headers(good)).as_ref(), Some(&site), "{good}");
        }
        for bad in
            ["", "Bearer", "Bearer ", "Bearer other", "Basic secret", "secret", "Bearersecret"]
        {
            assert_eq!(auth.site_of(&headers(bad)), None, "{bad}");
        }
        assert_eq!(auth.site_of(&HeaderMap::new()), None);
        assert_eq!(auth.site_of(&headers(&format!("Bearer {}", sha256_hex(b"secret")))), None);
        auth.replace(Vec::new(), Vec::new());
        assert_eq!(auth.site_of(&headers("Bearer secret")), None, "revoked");
    }

    #[test]
    fn a_token_is_the_files_text_without_what_editors_add() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "0123456789abcdef\r\n").unwrap();
        let token = Token::read(&path).unwrap();
        assert!(token.is_in(&headers("Bearer 0123456789abcdef")));
        assert!(!token.is_in(&headers("Bearer 0123456789abcdeF")));
        assert!(!token.is_in(&HeaderMap::new()));
        std::fs::write(&path, "\n").unwrap();
        let error = Token::read(&path).unwrap_err().to_string();
        assert!(error.contains("openssl"), "{error}");
        let error = Token::read(&directory.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("none: No such file"), "{error}");
    }
}
