//! `collector.yaml`. The structs are the file; what they refuse, they refuse with its place.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use wire::Language;
use wire::yaml::{Fault, Faults, Findings};

use crate::readiness::Policy;
use crate::updates::Updates;

mod meeting_url;

pub use meeting_url::{CalendarUrl, MeetingUrl};

/// Where the packages put it.
pub const DEFAULT_FILE: &str = "/etc/nhipcau/collector.yaml";

/// The whole file. Paths are absolute or relative to the directory of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
    /// The directory of calendars: `*.yaml`, `*.ics`, `*.xlsx` and `*.csv` in it.
    pub meetings: Option<PathBuf>,
    /// Calendars that are fetched.
    #[serde(default)]
    pub meeting_urls: Vec<MeetingUrl>,
    /// The file of agreed absences and maintenance windows.
    pub absences: Option<PathBuf>,
    /// The file that says which probes each site runs.
    pub profiles: Option<PathBuf>,
    /// Which updates of the agents may be offered, and how they are given out.
    #[serde(default)]
    pub updates: Updates,
    /// What is asked of sites, and from where on a measurement is a fault.
    #[serde(default)]
    pub readiness: Policy,
    /// The language of people's output; the system's where it is not given.
    pub language: Option<Language>,
}

/// Where agents connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// The address to listen on.
    #[serde(default = "default_agents_listen")]
    pub listen: SocketAddr,
    /// Names and addresses under which agents find the collector: all go into the certificate,
    /// the first into enrolment codes. Never empty.
    pub names: Vec<HostName>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Where Prometheus and people connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// The address to listen on.
    #[serde(default = "default_operations_listen")]
    pub listen: SocketAddr,
    /// Holds the bearer token that opens `/metrics`, `/api` and the board for reading; without it
    /// reading is open to everybody who reaches the address.
    pub token_file: Option<PathBuf>,
    /// Holds the bearer token of programs that act: post meetings, absences, attendance.
    pub operate_token_file: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
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
        Self {
            listen: default_operations_listen(),
            token_file: None,
            operate_token_file: None,
            certificate: None,
            key: None,
        }
    }
}

impl Agents {
    /// The operator's own certificate, in place of one by the collector's own authority.
    #[must_use]
    pub fn own_certificate(&self) -> Option<OwnCertificate> {
        OwnCertificate::of(self.certificate.as_deref(), self.key.as_deref())
    }
}

impl Operations {
    /// A certificate of its own; beyond loopback the agents' certificate serves without one.
    #[must_use]
    pub fn own_certificate(&self) -> Option<OwnCertificate> {
        OwnCertificate::of(self.certificate.as_deref(), self.key.as_deref())
    }

    /// Whether it speaks TLS: always beyond loopback, where the token would travel in the open.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.certificate.is_some() || !self.listen.ip().is_loopback()
    }
}

impl OwnCertificate {
    fn of(chain: Option<&Path>, key: Option<&Path>) -> Option<Self> {
        Some(Self { chain: chain?.to_owned(), key: key?.to_owned() })
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
        let (config, mut findings) = wire::yaml::open::<Self>(file, &text);
        if let Some(config) = &config {
            config.check(&mut findings);
        }
        let mut config = findings.finish(config)?;
        config.resolve(file.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// What no key can know by itself.
    fn check(&self, findings: &mut Findings) {
        if self.agents.names.is_empty() {
            findings.add(
                "agents.names",
                "is empty; give at least the name or address that agents connect to, as in \
                 [collector.tinh.gov.vn]",
            );
        }
        if !self.operations.listen.ip().is_loopback() && self.operations.token_file.is_none() {
            findings.add(
                "operations.listen",
                "is beyond loopback, so `token_file` is needed beside it: the file with the \
                 token that Prometheus sends; or listen on 127.0.0.1",
            );
        }
        for (key, message) in self.readiness.faults() {
            findings.add(&format!("readiness.{key}"), message);
        }
        self.updates.check(findings);
        self.check_urls(findings);
        for (part, certificate, key) in [
            ("agents", &self.agents.certificate, &self.agents.key),
            ("operations", &self.operations.certificate, &self.operations.key),
        ] {
            match (certificate, key) {
                (Some(_), None) => findings.add(
                    &format!("{part}.certificate"),
                    "is given without `key`; give both or neither",
                ),
                (None, Some(_)) => findings.add(
                    &format!("{part}.key"),
                    "is given without `certificate`; give both or neither",
                ),
                _ => {}
            }
        }
    }

    fn check_urls(&self, findings: &mut Findings) {
        if self.meeting_urls.len() > meeting_url::CALENDARS {
            let message = format!("at most {} calendars are fetched", meeting_url::CALENDARS);
            findings.add("meeting_urls", message);
        }
        for (index, url) in self.meeting_urls.iter().enumerate() {
            if let Some((key, message)) = url.fault() {
                findings.add(&format!("meeting_urls[{index}].{key}"), message);
            }
            if self.meeting_urls[..index].iter().any(|before| before.name == url.name) {
                let message = format!("the name `{}` is taken already", url.name);
                findings.add(&format!("meeting_urls[{index}].name"), message);
            }
        }
    }

    fn resolve(&mut self, directory: &Path) {
        let (agents, operations) = (&mut self.agents, &mut self.operations);
        let given = [
            &mut self.meetings,
            &mut self.absences,
            &mut self.profiles,
            &mut agents.certificate,
            &mut agents.key,
            &mut operations.certificate,
            &mut operations.key,
            &mut operations.token_file,
            &mut operations.operate_token_file,
        ];
        let paths = [&mut self.state_dir, &mut self.inventory];
        let authorities = self.meeting_urls.iter_mut().filter_map(|url| url.authority.as_mut());
        for path in paths.into_iter().chain(given.into_iter().flatten()).chain(authorities) {
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
        let operations = |keys: &str| format!("{SHORTEST}operations: {{ {keys} }}\n");
        let agents = |keys: &str| format!("agents: {{ {keys} }}\ninventory: a\n");
        let urls = |keys: &str| format!("{SHORTEST}meeting_urls: [{{ {keys} }}]\n");
        let cases = [
            ("inventory: sites.yaml\n".into(), ":1:1: the key `agents` is missing"),
            ("agents: { names: [a] }\n".into(), ":1:1: the key `inventory` is missing"),
            (agents("listen: '0.0.0.0:1'"), ":1:1: agents: the key `names` is missing"),
            (agents("names: []"), ":1:11: agents.names: is empty"),
            (agents("names: ['a:8443']"), ":1:19: agents.names[0]: \"a:8443\" is not a host name"),
            (agents("names: [a, 10.1.2]"), "agents.names[1]: \"10.1.2\" is not a host name"),
            (agents("names: ['xã.vn']"), "agents.names[0]: \"xã.vn\" is not a host name"),
            (agents("names: [a], listen: 8443"), "agents.listen: "),
            (agents("names: [a], certificate: c"), "agents.certificate: is given without `key`"),
            (agents("names: [a], key: k"), "agents.key: is given without `certificate`"),
            (agents("names: [a], port: 1"), "port"),
            (operations("listen: '0.0.0.0:9815'"), "operations.listen: is beyond loopback"),
            (operations("key: k"), ":3:20: operations.key: is given without `certificate`"),
            (urls("name: a, url: 'ftp://a/b.ics'"), "meeting_urls[0].url: is not an address like"),
            (
                urls("name: a b, url: 'https://a/b.ics'"),
                "meeting_urls[0].name: \"a b\" is not an id",
            ),
            (
                urls("name: a, url: 'https://a', every: 5s"),
                "meeting_urls[0].every: 5s is not between 1m",
            ),
            (
                urls("name: a, url: 'https://a' }, { name: a, url: 'webcal://a/b.ics'"),
                "meeting_urls[1].name: the name `a` is taken already",
            ),
            (format!("{SHORTEST}language: fr\n"), ":3:11: language: "),
            (format!("{SHORTEST}inventroy: a\n"), ":3:1: inventroy: "),
            (String::new(), "the key `agents` is missing"),
            ("agents: [".into(), "collector.yaml:"),
        ];
        for (text, part) in cases {
            let faults = read(&text).unwrap_err().to_string();
            assert!(faults.contains("collector.yaml:"), "{text}: {faults}");
            assert!(faults.contains(part), "{text}{faults}\n{part}");
        }
    }

    #[test]
    fn all_faults_are_said_at_once() {
        let faults = read("agents: { names: [a b], lisen: x }\nlanguage: fr\n").unwrap_err();
        let keys: Vec<_> = faults.0.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["", "agents.names[0]", "agents.lisen", "language"], "{faults}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let faults = Config::read(Path::new("/nowhere/collector.yaml")).unwrap_err().to_string();
        assert!(faults.contains("/nowhere/collector.yaml") && faults.contains("--config"));
    }
}
