//! From a host as people write it to addresses, through the system's own resolver.
//!
//! The system's and not one of ours: a probe must see what the conference software on the same
//! PC sees, `hosts` file and VPN included.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use tokio::time::timeout;
use wire::reading::{Failure, Reason};

/// RFC 1035 § 2.3.4, without the root's dot.
const NAME_CHARS: usize = 253;

/// Addresses of one name that are tried. A name with more is a farm, of which a few suffice,
/// and each gets only a share of the time.
const ADDRESSES: usize = 8;

/// A name or an IP address, checked when the configuration is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(Box<str>);

impl Host {
    /// This PC.
    #[must_use]
    pub fn loopback() -> Self {
        Self("127.0.0.1".into())
    }

    /// The addresses, in the resolver's order, anew at each call: a name that moved must not
    /// be measured where it was. Waits for at most `patience`.
    pub async fn addresses(
        &self,
        port: u16,
        patience: Duration,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let failure = |cause: &dyn fmt::Display| {
            Failure::new(Reason::Resolve, format_args!("resolve {self}: {cause}"))
        };
        let found = timeout(patience, tokio::net::lookup_host((&*self.0, port)))
            .await
            .map_err(|_| failure(&"no answer from the name servers"))?
            .map_err(|error| failure(&error))?;
        let addresses: Vec<SocketAddr> = found.take(ADDRESSES).collect();
        if addresses.is_empty() {
            return Err(failure(&"no address"));
        }
        Ok(addresses)
    }

    /// Whether it is an address already, so that nothing needs to be resolved.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.0.parse::<IpAddr>().is_ok()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_host(&text) {
            return Ok(Self(text.into()));
        }
        Err(de::Error::custom(format_args!(
            "{text:?} is not a host: write a name like mcu.tinh.gov.vn or an address like \
             10.0.0.10, without scheme and port"
        )))
    }
}

fn is_host(text: &str) -> bool {
    let name = || {
        text.len() <= NAME_CHARS
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            && text.contains(|c: char| c.is_ascii_alphanumeric())
    };
    text.parse::<IpAddr>().is_ok() || name()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn host(text: &str) -> Result<Host, serde_yaml::Error> {
        serde_yaml::from_str(text)
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for good in ["10.0.0.10", "\"::1\"", "mcu", "mcu.tinh.gov.vn.", "pc_01.local"] {
            assert!(host(good).is_ok(), "{good}");
        }
        for bad in
            ["\"\"", "\".\"", "10.0.0.10:5060", "http://mcu", "mcu tinh", "\"[::1]\"", "điểm"]
        {
            let message = host(bad).unwrap_err().to_string();
            assert!(message.contains("is not a host"), "{bad}: {message}");
        }
    }

    #[tokio::test]
    async fn an_address_needs_no_resolver() {
        let host = host("\"::1\"").unwrap();
        assert!(host.is_address());
        assert_eq!(host.addresses(5060, PATIENCE).await.unwrap(), ["[::1]:5060".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_name_that_cannot_exist_is_a_failure_to_resolve() {
        // A label is at most 63 long, which the resolver knows without asking a server.
        let name = "x".repeat(64);
        let failure = host(&name).unwrap().addresses(1, PATIENCE).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Resolve);
        assert!(failure.detail.starts_with(&format!("resolve {name}: ")), "{failure}");
    }
}
