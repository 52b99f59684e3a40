//! What went wrong with a request, in the words of a reading.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, ErrorKind};

use wire::reading::{Failure, Reason};

use super::super::{certificates, failure};

/// A name without an address, recognisable in a chain of errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in super::super) struct Unresolved(String);

impl Unresolved {
    /// As a resolver hands it on.
    pub(in super::super) fn boxed(name: &str, error: &io::Error) -> Box<dyn Error + Send + Sync> {
        Box::new(Self(format!("resolve {name}: {error}")))
    }
}

/// The failure of `what`, a request over TLS or not. The library wraps causes in causes; the
/// innermost that is known decides.
pub(in super::super) fn of(error: &reqwest::Error, what: impl Display, tls: bool) -> Failure {
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
            // Nothing but TLS (or a proxy) is talked before a request.
            let reason = if tls { Reason::Tls } else { Reason::Refused };
            let detail = format_args!("{what}: the server hung up during the handshake");
            return Failure::new(reason, detail);
        }
        return failure::of(io, what);
    }
    let reason = if error.is_redirect() { Reason::Unexpected } else { Reason::Protocol };
    Failure::new(reason, format_args!("{what}: {}", innermost(error)))
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
