//! Who asks, and how that is proven: a community, or a user of the User-based Security Model
//! (RFC 3414, RFC 3826, RFC 7860).

use async_snmp::{Auth, AuthProtocol, Community, MasterKeys, PrivProtocol, UsmConfig};
use serde::Deserialize;
use wire::reading::{Failure, Reason};

use super::super::secret::{PasswordFile, Refusal, Secret};
use super::session::Refused;

/// `{ version: v3, user: nhipcau, auth_password_file: …, privacy_password_file: … }`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Written")]
pub struct Account(Written);

/// As people write it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    /// Default: `v2c`, and `v3` where a user is named.
    version: Option<Version>,
    /// A file whose first line is the community. Default: the community is `public`.
    community_file: Option<PasswordFile>,
    user: Option<Box<str>>,
    /// Default: `sha256`.
    auth: Hash,
    auth_password_file: Option<PasswordFile>,
    /// Default: `aes128`.
    privacy: Cipher,
    privacy_password_file: Option<PasswordFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Version {
    V1,
    V2c,
    V3,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Hash {
    Md5,
    Sha1,
    #[default]
    Sha256,
    Sha512,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cipher {
    Des,
    #[default]
    Aes128,
    /// With keys made longer as Cisco and most others do it; no standard says how.
    Aes256,
}

impl TryFrom<Written> for Account {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let v3 = written.version() == Version::V3;
        match &written {
            Written { user: None, .. } if v3 => Err("version v3 needs a user"),
            Written { user: Some(_), .. } if !v3 => Err("a user needs version v3"),
            Written { community_file: Some(_), .. } if v3 => {
                Err("version v3 has no community; write user and auth_password_file")
            }
            Written { auth_password_file: Some(_), .. } if !v3 => {
                Err("auth_password_file needs version v3; v1 and v2c have a community_file")
            }
            Written { privacy_password_file: Some(_), auth_password_file: None, .. } => {
                Err("privacy_password_file needs auth_password_file: SNMP knows no privacy without")
            }
            _ => Ok(Self(written)),
        }
    }
}

impl Written {
    fn version(&self) -> Version {
        let default = if self.user.is_some() { Version::V3 } else { Version::V2c };
        self.version.unwrap_or(default)
    }
}

/// What an account comes to, kept from run to run: making keys of passwords takes a million steps
/// of a hash (RFC 3414 § A.2), by design.
#[derive(Clone, Default)]
pub(in super::super) struct Keys {
    made: Option<([Option<Secret>; 3], Auth)>,
    refusal: Refusal,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// The proof for a session, or why there will be none.
    pub(in super::super) fn prepare(
        &mut self,
        account: &Account,
    ) -> Result<Result<Auth, Refused>, Failure> {
        let Account(written) = account;
        let files =
            [&written.community_file, &written.auth_password_file, &written.privacy_password_file];
        let mut secrets = [None, None, None];
        for (secret, file) in secrets.iter_mut().zip(files) {
            *secret = file.as_ref().map(PasswordFile::read).transpose()?;
        }
        if secrets[1].as_ref().is_some_and(|secret| self.refusal.forbids(secret)) {
            return Ok(Err(Refused(format!("it was refused before; {}", Refusal::advice()))));
        }
        if let Some((of, auth)) = &self.made
            && *of == secrets
        {
            return Ok(Ok(auth.clone()));
        }
        let auth = written.auth(&secrets)?;
        self.made = Some((secrets, auth.clone()));
        Ok(Ok(auth))
    }

    /// The device refused what was last prepared: a password rests from now on.
    pub(in super::super) fn refuse(&mut self, Refused(why): Refused) -> Refused {
        match &self.made {
            Some(([_, Some(secret), _], _)) => {
                self.refusal.note(secret.clone());
                Refused(format!("{why}; {}", Refusal::advice()))
            }
            _ => Refused(why),
        }
    }
}

impl Written {
    fn auth(&self, [community, password, privacy]: &[Option<Secret>; 3]) -> Result<Auth, Failure> {
        let community =
            || Community::from(community.as_ref().map_or("public", Secret::reveal).to_owned());
        match self.version() {
            Version::V1 => return Ok(Auth::v1(community())),
            Version::V2c => return Ok(Auth::v2c(community())),
            Version::V3 => {}
        }
        let user = UsmConfig::new(self.user.clone().unwrap_or_default().into_string());
        let Some(password) = password else { return Ok(Auth::from(user)) };
        let failed = |error: &dyn std::fmt::Display| {
            let detail =
                format_args!("make SNMP keys: {error}; a password has 8 characters or more");
            Failure::new(Reason::Unexpected, detail)
        };
        let keys = MasterKeys::new(self.auth.protocol(), password.reveal().as_bytes());
        let mut keys = keys.map_err(|error| failed(&error))?;
        if let Some(privacy) = privacy {
            let more = keys.with_privacy(self.privacy.protocol(), privacy.reveal().as_bytes());
            keys = more.map_err(|error| failed(&error))?;
        }
        Ok(Auth::from(user.with_master_keys(keys).map_err(|error| failed(&error))?))
    }
}

impl Hash {
    fn protocol(self) -> AuthProtocol {
        match self {
            Self::Md5 => AuthProtocol::Md5,
            Self::Sha1 => AuthProtocol::Sha1,
            Self::Sha256 => AuthProtocol::Sha256,
            Self::Sha512 => AuthProtocol::Sha512,
        }
    }
}

impl Cipher {
    fn protocol(self) -> PrivProtocol {
        match self {
            Self::Des => PrivProtocol::Des,
            Self::Aes128 => PrivProtocol::Aes128,
            Self::Aes256 => PrivProtocol::Aes256Reeder,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::config;

    #[test]
    fn an_account_is_a_community_or_a_user() {
        for (yaml, version) in [
            ("{}", Version::V2c),
            ("{ version: v1 }", Version::V1),
            ("{ user: nhipcau }", Version::V3),
            (
                "{ user: a, auth: sha1, auth_password_file: b, privacy: des, privacy_password_file: c }",
                Version::V3,
            ),
        ] {
            let Account(written) = config(yaml);
            assert_eq!(written.version(), version, "{yaml}");
        }
        for (yaml, fault) in [
            ("{ version: v3 }", "v3 needs a user"),
            ("{ version: v2c, user: a }", "a user needs version v3"),
            ("{ user: a, community_file: b }", "has no community"),
            ("{ auth_password_file: b }", "needs version v3"),
            ("{ user: a, privacy_password_file: b }", "no privacy without"),
            ("{ community: public }", "unknown field"),
            ("{ user: a, auth: sha3 }", "unknown variant"),
        ] {
            let error = serde_yaml::from_str::<Account>(yaml).unwrap_err().to_string();
            assert!(error.contains(fault), "{yaml}: {error}");
        }
    }
}
