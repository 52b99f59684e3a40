//! What an error tells beyond its [`Cause`](super::Cause): for people, who mend one thing at a
//! time, and not for metrics.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::{CertificateError, InvalidMessage};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Cause;
use super::client::{Failed, find};
use super::proxy::{Proxy, ProxyFault};
use crate::trust::WrongPin;

/// A port that opens does so within a round trip; a lost packet is repeated after 1 s.
const OPENS: Duration = Duration::from_secs(3);

/// What stands in the way, where it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// No name server answers; that a name does not exist is another matter.
    NoNameServer,
    /// This PC's own firewall or routes forbid the connection.
    Forbidden,
    /// Somebody ended the connection by force.
    Reset,
    /// The port opens, and then nothing is said.
    Mute,
    /// What answers speaks no TLS.
    Plain,
    /// The certificate comes from another authority.
    OtherAuthority,
    /// The certificate is the right authority's, and for another name.
    OtherName,
    /// The proxy on the way.
    Proxy(ProxyFault),
}

impl Mark {
    pub(super) fn of(error: &reqwest::Error) -> Option<Self> {
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::of_tls(tls);
        }
        if error.is_dns() {
            return no_name_server(error).then_some(Self::NoNameServer);
        }
        match find::<io::Error>(error)?.kind() {
            io::ErrorKind::PermissionDenied => Some(Self::Forbidden),
            io::ErrorKind::ConnectionReset => Some(Self::Reset),
            _ => None,
        }
    }

    fn of_tls(error: &rustls::Error) -> Option<Self> {
        match error {
            error if WrongPin::is(error) => Some(Self::OtherAuthority),
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => Some(Self::OtherAuthority),
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Some(Self::OtherName),
            // The first byte of an answer in plain text is no content type of TLS.
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(Self::Plain),
            _ => None,
        }
    }
}

/// Looks closer at why nothing came through, for a person who waits: at the proxy by itself where
/// there is one, else at the bare port.
pub(crate) async fn closer(failed: Failed, collector: &str, proxy: Option<&str>) -> Failed {
    let cut = matches!(
        failed.cause,
        Cause::Resolve | Cause::Refused | Cause::Unreachable | Cause::Timeout | Cause::Closed
    );
    if !cut {
        return failed;
    }
    let mark = match Proxy::between(collector, proxy) {
        Some(proxy) => proxy.look(collector).await.err().map(Mark::Proxy).or(failed.mark),
        None if failed.cause == Cause::Timeout && opens(collector).await => Some(Mark::Mute),
        None => failed.mark,
    };
    Failed { mark, ..failed }
}

async fn opens(collector: &str) -> bool {
    matches!(timeout(OPENS, TcpStream::connect(collector)).await, Ok(Ok(_)))
}

/// The standard library gives the resolver's words and no code (`EAI_AGAIN` of glibc and of musl).
fn no_name_server(error: &reqwest::Error) -> bool {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if text.contains("Temporary failure in name resolution") || text.contains("Try again") {
            return true;
        }
        next = error.source();
    }
    false
}
