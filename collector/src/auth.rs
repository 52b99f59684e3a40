//! Which program is asking: the site of an agent's credential, and the tokens of the operations' side.
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

use crate::config::Operations;
use crate::store::credentials::{Credential, Former};
use crate::users::Role;

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
    ///
    /// Tells whose credential is another than before.
    pub fn replace(&self, credentials: Vec<Credential>, former: Vec<Former>) -> Vec<SiteId> {
        let sites: HashMap<_, _> = credentials.into_iter().map(|c| (c.sha256, c.site)).collect();
        let dismissed =
            |former: Former| Dismissal { error: Dismissed::Replaced, by: former.by, at: former.at };
        let former = former.into_iter().map(|f| (f.sha256.clone(), dismissed(f))).collect();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *known, Known { sites, former });
        let renewed = known.sites.iter().filter(|(hash, _)| !before.sites.contains_key(*hash));
        renewed.map(|(_, site)| site.clone()).collect()
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
    /// The token that reads would act.
    #[error("{}: holds the token of token_file; who only reads must not act, so make another one with: openssl rand -hex 16", path.display())]
    Same {
        /// The file.
        path: PathBuf,
    },
}

/// The tokens of programs.
#[derive(Debug, Default)]
pub struct Tokens {
    /// Opens reading, which is open to everybody where there is none.
    pub view: Option<Token>,
    /// Opens acting too.
    pub operate: Option<Token>,
}

impl Tokens {
    /// Reads the files that the configuration names; a failure comes with the file's key.
    pub fn read(operations: &Operations) -> Result<Self, (&'static str, TokenError)> {
        let read = |key, path: &Option<PathBuf>| {
            path.as_deref().map(Token::read).transpose().map_err(|error| (key, error))
        };
        let view = read("token_file", &operations.token_file)?;
        let operate = read("operate_token_file", &operations.operate_token_file)?;
        match (&view, &operate, &operations.operate_token_file) {
            (Some(Token(view)), Some(Token(operate)), Some(path)) if view == operate => {
                Err(("operate_token_file", TokenError::Same { path: path.clone() }))
            }
            _ => Ok(Self { view, operate }),
        }
    }

    /// What the token in the request opens.
    #[must_use]
    pub fn role(&self, headers: &HeaderMap) -> Option<Role> {
        let has = |token: &Option<Token>| token.as_ref().is_some_and(|token| token.is_in(headers));
        if has(&self.operate) { Some(Role::Operate) } else { has(&self.view).then_some(Role::View) }
    }

    /// Whether reading takes no token and no sign-in. A configuration beyond loopback always has
    /// a token.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.view.is_none()
    }
}

/// A program's token, as its hash.
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
        let renewed = auth.replace(
            vec![Credential { site: site.clone(), sha256: sha256_hex(b"secret") }],
            vec![Former { sha256: sha256_hex(b"old"), at: 7, by: "PC-MOI".into() }],
        );
        assert_eq!(renewed, std::slice::from_ref(&site));
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
    fn a_token_opens_what_its_file_is_for() {
        let token = |text: &str| Some(Token(sha256_hex(text.as_bytes())));
        let (closed, open) = (token("prometheus-token"), None);
        for (view, bearer, role) in [
            (&closed, "Bearer prometheus-token", Some(Role::View)),
            (&closed, "Bearer programs-own-one", Some(Role::Operate)),
            (&closed, "Bearer something-else-", None),
            (&closed, "Basic prometheus-token", None),
            (&open, "Bearer programs-own-one", Some(Role::Operate)),
            (&open, "Bearer something-else-", None),
        ] {
            let view = view.as_ref().map(|Token(hash)| Token(hash.clone()));
            let tokens = Tokens { view, operate: token("programs-own-one") };
            assert_eq!(tokens.role(&headers(bearer)), role, "{bearer}");
        }
        assert!(Tokens::default().is_open());
        assert!(!Tokens { view: closed, operate: None }.is_open());
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
