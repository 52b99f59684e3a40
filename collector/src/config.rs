//! `collector.yaml`. The structs are the file; what they refuse, they refuse with its place.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use wire::Language;
use wire::yaml::{Fault, Faults};

/// Where the packages put it.
pub const DEFAULT_FILE: &str = "/etc/nhipcau/collector.yaml";

/// The whole file. Paths are absolute or relative to the directory of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The authority's keys and the store.
    #[serde(default = "default_state_dir")]
    pub state_dir: PathBuf,
    /// Where agents connect.
    pub agents: Agents,
    /// Where Prometheus and people connect.
    #[serde(default)]
    pub operations: Operations,
    /// The file that says which sites are expected.
    pub inventory: PathBuf,
    /// The directory of calendars.
    pub meetings: Option<PathBuf>,
    /// The language of people's output; the system's where it is not given.
    pub language: Option<Language>,
}

/// Where agents connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AgentsKeys")]
pub struct Agents {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Names and addresses under which agents find the collector: all go into the certificate,
    /// the first into enrolment codes. Never empty.
    pub names: Vec<HostName>,
    /// The operator's own certificate, in place of one by the collector's own authority.
    pub certificate: Option<OwnCertificate>,
}

/// Where Prometheus and people connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OperationsKeys")]
pub struct Operations {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Holds the bearer token of `/metrics` and `/api`.
    pub token_file: Option<PathBuf>,
    /// A certificate of its own; beyond loopback the agents' certificate serves without one.
    pub certificate: Option<OwnCertificate>,
}

/// Certificate and key of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCertificate {
    /// The server's certificate first, that of its authority last (PEM).
    pub chain: PathBuf,
    /// The key of the first certificate (PEM).
    pub key: PathBuf,
}

/// A DNS name or an address, as it stands in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// An address.
    Address(IpAddr),
    /// A DNS name in lower case.
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentsKeys {
    #[serde(default = "default_agents_listen")]
    listen: SocketAddr,
    names: Vec<HostName>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationsKeys {
    #[serde(default = "default_operations_listen")]
    listen: SocketAddr,
    token_file: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

fn default_state_dir() -> PathBuf {
    PathBuf::from("/var/lib/nhipcau-collector")
}

fn default_agents_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443))
}

fn default_operations_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 9815))
}

impl Default for Operations {
    fn default() -> Self {
        Self { listen: default_operations_listen(), token_file: None, certificate: None }
    }
}

impl Operations {
    /// Whether it speaks TLS: always beyond loopback, where the token would travel in the open.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.certificate.is_some() || !self.listen.ip().is_loopback()
    }
}

impl TryFrom<AgentsKeys> for Agents {
    type Error = &'static str;

    fn try_from(keys: AgentsKeys) -> Result<Self, Self::Error> {
        if keys.names.is_empty() {
            return Err(
                "names is empty; give at least the name or address that agents connect to, as in [collector.tinh.gov.vn]",
            );
        }
        let certificate = both(keys.certificate, keys.key)?;
        Ok(Self { listen: keys.listen, names: keys.names, certificate })
    }
}

impl TryFrom<OperationsKeys> for Operations {
    type Error = &'static str;

    fn try_from(keys: OperationsKeys) -> Result<Self, Self::Error> {
        if !keys.listen.ip().is_loopback() && keys.token_file.is_none() {
            return Err(
                "listen is not a loopback address, so token_file is needed: the file with the token that Prometheus sends; or listen on 127.0.0.1",
            );
        }
        let certificate = both(keys.certificate, keys.key)?;
        Ok(Self { listen: keys.listen, token_file: keys.token_file, certificate })
    }
}

fn both(
    chain: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<OwnCertificate>, &'static str> {
    match (chain, key) {
        (None, None) => Ok(None),
        (Some(chain), Some(key)) => Ok(Some(OwnCertificate { chain, key })),
        (Some(_), None) => Err("certificate is given without key; give both or neither"),
        (None, Some(_)) => Err("key is given without certificate; give both or neither"),
    }
}

impl HostName {
    /// As it stands in front of a port: an IPv6 address in brackets.
    #[must_use]
    pub fn in_authority(&self) -> String {
        match self {
            Self::Address(IpAddr::V6(address)) => format!("[{address}]"),
            Self::Address(IpAddr::V4(address)) => address.to_string(),
            Self::Name(name) => name.clone(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(address));
        }
        // RFC 1035 § 2.3.4: 63 octets a label, 253 characters in all.
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        // A name of digits and dots alone is an address with a slip in it.
        let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (text.len() <= 253 && !numeric && text.split('.').all(label))
            .then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text:?} is not a host name or an address; write it as in collector.tinh.gov.vn or 10.1.2.3, without a port"
            ))
        })
    }
}

impl Config {
    /// Reads the file and makes its paths absolute or relative to the working directory.
    pub fn read(file: &Path) -> Result<Self, Faults> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Faults(vec![Fault {
                file: file.to_owned(),
                line: 0,
                column: 0,
                key: String::new(),
                message: format!("cannot be read: {error}; --config names another file"),
            }])
        })?;
        let mut config: Self = wire::yaml::read(file, &text)?;
        config.resolve(file.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn resolve(&mut self, directory: &Path) {
        let certificates =
            [&mut self.agents.certificate, &mut self.operations.certificate].into_iter().flatten();
        let paths = [&mut self.state_dir, &mut self.inventory]
            .into_iter()
            .chain(&mut self.meetings)
            .chain(&mut self.operations.token_file)
            .chain(certificates.flat_map(|own| [&mut own.chain, &mut own.key]));
        for path in paths {
            *path = directory.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORTEST: &str = "agents: { names: [collector.tinh.gov.vn] }\ninventory: sites.yaml\n";

    fn read(text: &str) -> Result<Config, Faults> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("collector.yaml");
        std::fs::write(&file, text).unwrap();
        Config::read(&file).map(|mut config| {
            // So that tests can compare paths.
            for path in [&mut config.state_dir, &mut config.inventory] {
                if let Ok(inner) = path.strip_prefix(directory.path()) {
                    *path = inner.to_owned();
                }
            }
            config
        })
    }

    #[test]
    fn the_shortest_file_listens_where_the_design_says() {
        let config = read(SHORTEST).unwrap();
        assert_eq!(config.agents.listen.to_string(), "0.0.0.0:8443");
        assert_eq!(config.operations.listen.to_string(), "127.0.0.1:9815");
        assert_eq!(config.state_dir, Path::new("/var/lib/nhipcau-collector"));
        assert_eq!(config.inventory, Path::new("sites.yaml"), "relative to the file");
        assert!(!config.operations.has_tls());
    }

    #[test]
    fn names_and_addresses_are_told_apart() {
        let config = read(
            "agents: { names: [Collector.tinh.gov.vn, 10.1.2.3, 'fd00::1'] }\ninventory: a.csv\n",
        )
        .unwrap();
        let names: Vec<_> = config.agents.names.iter().map(HostName::in_authority).collect();
        assert_eq!(names, ["collector.tinh.gov.vn", "10.1.2.3", "[fd00::1]"]);
    }

    #[test]
    fn beyond_loopback_there_is_a_token_and_tls() {
        let config =
            read(&format!("{SHORTEST}operations: {{ listen: '0.0.0.0:9815', token_file: t }}\n"))
                .unwrap();
        assert!(config.operations.has_tls());
    }

    #[test]
    fn each_fault_says_what_would_be_right() {
        let cases = [
            ("inventory: sites.yaml\n", "agents"),
            ("agents: { names: [a] }\n", "inventory"),
            ("agents: { names: [] }\ninventory: a\n", "names is empty"),
            ("agents: { names: ['a:8443'] }\ninventory: a\n", "without a port"),
            ("agents: { names: [10.1.2] }\ninventory: a\n", "not a host name"),
            ("agents: { names: ['xã.vn'] }\ninventory: a\n", "not a host name"),
            ("agents: { names: [a], listen: 8443 }\ninventory: a\n", "agents.listen"),
            ("agents: { names: [a], certificate: c }\ninventory: a\n", "without key"),
            ("agents: { names: [a], key: k }\ninventory: a\n", "without certificate"),
            ("agents: { names: [a], port: 1 }\ninventory: a\n", "port"),
            (&format!("{SHORTEST}operations: {{ listen: '0.0.0.0:9815' }}\n"), "token_file"),
            (&format!("{SHORTEST}operations: {{ key: k }}\n"), "without certificate"),
            (&format!("{SHORTEST}language: fr\n"), "language"),
            (&format!("{SHORTEST}inventroy: a\n"), "inventroy"),
            ("", ""),
            ("agents: [", ""),
        ];
        for (text, part) in cases {
            let faults = read(text).unwrap_err().to_string();
            assert!(faults.contains("collector.yaml:"), "{text}: {faults}");
            assert!(faults.contains(part), "{text}: {faults}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let faults = Config::read(Path::new("/nowhere/collector.yaml")).unwrap_err().to_string();
        assert!(faults.contains("/nowhere/collector.yaml") && faults.contains("--config"));
    }
}
