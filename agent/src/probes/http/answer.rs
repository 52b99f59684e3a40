//! One request and what came back.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use wire::reading::{Failure, Reason};

use super::super::{certificates, failure};
use super::BODY_BYTES;
use super::client::{Client, Unresolved};
use super::config::WebAddress;

/// What came back; filled step by step, so that what came before a fault is kept.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: Option<u16>,
    /// From the start of all to the answer's headers.
    pub(super) headers_after: Option<Duration>,
    /// From the headers to the body's end, or to its bound.
    pub(super) transfer: Option<Duration>,
    /// The first [`BODY_BYTES`] of it.
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) async fn fetch(
        &mut self,
        client: &Client,
        address: &WebAddress,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let sent = client.http.get((*address.0).clone()).send().await;
        let mut response = sent.map_err(|error| failed(&error, address))?;
        self.status = Some(response.status().as_u16());
        self.headers_after = Some(start.elapsed());
        let headers = Instant::now();
        while self.body.len() < BODY_BYTES
            && let Some(chunk) = response.chunk().await.map_err(|error| failed(&error, address))?
        {
            let room = BODY_BYTES - self.body.len();
            self.body.extend(chunk.iter().take(room));
        }
        self.transfer = Some(headers.elapsed());
        Ok(())
    }
}

/// The library wraps causes in causes; the innermost that is known decides.
fn failed(error: &reqwest::Error, address: &WebAddress) -> Failure {
    let what = format_args!("GET {address}");
    if let Some(unresolved) = find::<Unresolved>(error) {
        return Failure::new(Reason::Resolve, unresolved);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        let fault = certificates::fault(tls);
        return Failure::new(Reason::Tls, format_args!("{what}: {fault}"));
    }
    if let Some(io) = find::<io::Error>(error) {
        let broken_off = matches!(io.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof);
        if error.is_connect() && broken_off {
            return broken_off_connecting(address);
        }
        return failure::of(io, what);
    }
    let reason = if error.is_redirect() { Reason::Unexpected } else { Reason::Protocol };
    Failure::new(reason, format_args!("{what}: {}", innermost(error)))
}

/// Nothing but TLS (or a proxy) is talked before a request.
fn broken_off_connecting(address: &WebAddress) -> Failure {
    let reason = if address.0.scheme() == "https" { Reason::Tls } else { Reason::Refused };
    Failure::new(reason, format_args!("GET {address}: the server hung up during the handshake"))
}

/// The innermost cause of type `T`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).filter_map(|cause| cause.downcast_ref::<T>()).last()
}

/// From the outermost to the innermost. What an [`io::Error`] wraps is not its source: that would
/// be the source of the wrapped one.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| {
        let cause: &'a (dyn Error + 'static) = *cause;
        match cause.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|wrapped| wrapped as &(dyn Error + 'static)),
            None => cause.source(),
        }
    })
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
