//! The proxy on the way to the collector, looked at by itself: the HTTP client only says that
//! there was no tunnel, and a person must know whose fault that is.

use std::io;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// Each step: the proxy is in the same building, and a person waits.
const STEP: Duration = Duration::from_secs(5);

/// It asks the collector before it answers, over the line: the client's own patience with both.
const ANSWER: Duration = Duration::from_secs(10);

/// `HTTP/1.1 407`: all that is read of an answer.
const STATUS_BYTES: usize = 12;

/// Why a proxy lets nothing through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    /// Its name has no address.
    Resolve,
    /// Nothing listens at its address.
    Refused,
    /// There is no way to it.
    Unreachable,
    /// It does not answer.
    Silent,
    /// What answers is no proxy.
    NotAProxy,
    /// It wants a user and a password, and none are configured (407).
    WantsPassword,
    /// It does not take the configured ones (407).
    WrongPassword,
    /// It forbids this destination (another 4xx).
    Forbids(u16),
    /// It cannot reach the collector (5xx).
    CannotReach(u16),
}

/// A proxy in use.
#[derive(Debug)]
pub(crate) struct Proxy {
    host: String,
    port: u16,
    /// User and password as the header has them (RFC 7617).
    authorization: Option<String>,
}

impl Proxy {
    /// The proxy that requests to `collector` take: the configured one or the environment's, unless
    /// `NO_PROXY` excepts it.
    pub(crate) fn between(collector: &str, configured: Option<&str>) -> Option<Self> {
        let matcher = match configured {
            Some(proxy) => {
                let except = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy"));
                Matcher::builder().https(proxy).no(except.unwrap_or_default()).build()
            }
            None => Matcher::from_env(),
        };
        let taken = matcher.intercept(&format!("https://{collector}/").parse().ok()?)?;
        let url = Url::parse(&taken.uri().to_string()).ok()?;
        Some(Self {
            host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default()?,
            authorization: taken
                .basic_auth()
                .and_then(|value| value.to_str().ok().map(str::to_owned)),
        })
    }

    /// Asks it for a tunnel to `collector`; an error is why there is none.
    pub(crate) async fn look(&self, collector: &str) -> Result<(), ProxyFault> {
        let mut stream = self.connect().await?;
        let authorization = self.authorization.as_ref();
        let authorization = authorization
            .map(|value| format!("Proxy-Authorization: {value}\r\n"))
            .unwrap_or_default();
        let asked =
            format!("CONNECT {collector} HTTP/1.1\r\nHost: {collector}\r\n{authorization}\r\n");
        let mut status = [0; STATUS_BYTES];
        let exchange = async {
            stream.write_all(asked.as_bytes()).await?;
            stream.read_exact(&mut status).await
        };
        match timeout(ANSWER, exchange).await {
            Err(_) => Err(ProxyFault::Silent),
            Ok(Err(_)) => Err(ProxyFault::NotAProxy),
            Ok(Ok(_)) => self.answered(&status),
        }
    }

    async fn connect(&self) -> Result<TcpStream, ProxyFault> {
        let found = timeout(STEP, tokio::net::lookup_host((self.host.as_str(), self.port)));
        let Ok(Ok(addresses)) = found.await else { return Err(ProxyFault::Resolve) };
        let addresses: Vec<_> = addresses.collect();
        match timeout(STEP, TcpStream::connect(addresses.as_slice())).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(match error.kind() {
                io::ErrorKind::ConnectionRefused => ProxyFault::Refused,
                io::ErrorKind::TimedOut => ProxyFault::Silent,
                _ => ProxyFault::Unreachable,
            }),
            Err(_) => Err(ProxyFault::Silent),
        }
    }

    fn answered(&self, status: &[u8]) -> Result<(), ProxyFault> {
        let status = std::str::from_utf8(status).ok();
        let code = status
            .and_then(|status| status.strip_prefix("HTTP/1."))
            .and_then(|rest| rest.get(2..)?.parse::<u16>().ok());
        match code {
            Some(200..300) => Ok(()),
            // 401 is for web servers (RFC 9110), and what tinyproxy says of a wrong password.
            Some(401 | 407) if self.authorization.is_some() => Err(ProxyFault::WrongPassword),
            Some(407) => Err(ProxyFault::WantsPassword),
            // A web server that is no proxy does not know the method or the path.
            Some(400 | 404 | 405 | 501) | None => Err(ProxyFault::NotAProxy),
            Some(code @ 500..) => Err(ProxyFault::CannotReach(code)),
            Some(code) => Err(ProxyFault::Forbids(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    fn proxy(configured: &str) -> Option<Proxy> {
        Proxy::between("collector.tinh.gov.vn:8443", Some(configured))
    }

    #[test]
    fn a_proxy_is_read_as_the_client_reads_it() {
        for (configured, host, port, user) in [
            ("http://proxy:3128", "proxy", 3128, None),
            ("proxy:3128", "proxy", 3128, None),
            ("http://[fd00::1]:3128", "fd00::1", 3128, None),
            ("http://an:x@10.0.0.1:8080", "10.0.0.1", 8080, Some("an:x")),
        ] {
            let proxy = proxy(configured).unwrap();
            let authorization =
                user.map(|user: &str| format!("Basic {}", BASE64.encode(user.as_bytes())));
            assert_eq!((proxy.host.as_str(), proxy.port), (host, port), "{configured}");
            assert_eq!(proxy.authorization, authorization, "{configured}");
        }
    }

    #[test]
    fn every_answer_of_a_proxy_has_its_meaning() {
        let (open, known) = (proxy("http://p:1").unwrap(), proxy("http://an:x@p:1").unwrap());
        for (status, meant) in [
            ("HTTP/1.1 200", Ok(())),
            ("HTTP/1.0 200", Ok(())),
            ("HTTP/1.1 407", Err(ProxyFault::WantsPassword)),
            ("HTTP/1.1 403", Err(ProxyFault::Forbids(403))),
            ("HTTP/1.1 503", Err(ProxyFault::CannotReach(503))),
            ("HTTP/1.1 405", Err(ProxyFault::NotAProxy)),
            ("SSH-2.0-Open", Err(ProxyFault::NotAProxy)),
            ("\u{7f}\u{7f}\u{7f}HTTP/1.1 ", Err(ProxyFault::NotAProxy)),
        ] {
            assert_eq!(open.answered(status.as_bytes()), meant, "{status}");
        }
        assert_eq!(known.answered(b"HTTP/1.1 407"), Err(ProxyFault::WrongPassword));
        assert_eq!(known.answered(&[0xff; STATUS_BYTES]), Err(ProxyFault::NotAProxy));
    }
}
