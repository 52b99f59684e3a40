//! From what the system says to what a reading says.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use wire::reading::{Failure, Reason};

use crate::tally::Run;

/// The failure of `what`: `connect 10.0.0.10:5060: connection refused`.
pub(super) fn of(error: &io::Error, what: impl Display) -> Failure {
    match reason(error.kind()) {
        // A kind that nobody foresaw: the system's own words say most.
        Reason::Internal => Failure::new(Reason::Internal, format_args!("{what}: {error}")),
        reason => Failure::new(reason, format_args!("{what}: {}", error.kind())),
    }
}

/// The reason for a kind of error. What stays is a fault of this PC or program, not of the way.
pub(super) fn reason(kind: ErrorKind) -> Reason {
    match kind {
        ErrorKind::ConnectionRefused => Reason::Refused,
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        // Linux: no address of this family to send from.
        | ErrorKind::AddrNotAvailable => Reason::Unreachable,
        ErrorKind::TimedOut => Reason::Timeout,
        // Broken off in the middle of an exchange that had begun.
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof
        | ErrorKind::InvalidData => Reason::Protocol,
        ErrorKind::PermissionDenied => Reason::Denied,
        ErrorKind::NotFound => Reason::Absent,
        _ => Reason::Internal,
    }
}

/// How long a probe waits before it gives up by itself. A little less than the runner's
/// deadline: a probe that ends by itself says what it was waiting for, a cut cannot.
pub(super) fn patience(run: &Run<'_>) -> Duration {
    run.timeout.mul_f32(0.95)
}

/// Each of `items` with its time, reckoned when its turn comes: an equal share of what the others
/// left of `patience`, counted from now.
pub(super) fn in_turn<T>(items: &[T], patience: Duration) -> impl Iterator<Item = (&T, Duration)> {
    let start = Instant::now();
    items.iter().enumerate().map(move |(tried, item)| {
        let left = patience.saturating_sub(start.elapsed());
        (item, share(left, items.len() - tried))
    })
}

/// An equal share of the time left for each of those still to try.
fn share(left: Duration, still: usize) -> Duration {
    left / u32::try_from(still.max(1)).unwrap_or(u32::MAX)
}

/// Awaits `work` for at most `patience`; after it, the failure says that `what` got no answer.
pub(super) async fn within<T>(
    patience: Duration,
    what: impl Display,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(timeout(patience, what)))
}

/// The failure of waiting for `what` in vain.
pub(super) fn timeout(waited: Duration, what: impl Display) -> Failure {
    Failure::new(Reason::Timeout, format_args!("{what}: no answer in {}", Seconds(waited)))
}

/// Prints a duration as people compare them: `4.75 s`.
pub(super) struct Seconds(pub(super) Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_still_to_try_gets_an_equal_share_of_what_is_left() {
        let second = Duration::from_secs(1);
        assert_eq!(share(4 * second, 4), second);
        assert_eq!(share(second, 1), second);
        assert_eq!(share(Duration::ZERO, 0), Duration::ZERO);
    }

    #[test]
    #[cfg(target_os = "linux")] // The numbers of errors are the system's own.
    fn the_detail_names_the_deed_and_the_cause_without_numbers_of_errors() {
        for (error, text) in [
            (io::Error::from_raw_os_error(111), "refused: connect x: connection refused"),
            (io::Error::from_raw_os_error(113), "unreachable: connect x: host unreachable"),
            (io::Error::from_raw_os_error(101), "unreachable: connect x: network unreachable"),
            (io::Error::from_raw_os_error(110), "timeout: connect x: timed out"),
            (io::Error::from_raw_os_error(1), "denied: connect x: permission denied"),
            (
                io::Error::from_raw_os_error(24),
                "internal: connect x: Too many open files (os error 24)",
            ),
        ] {
            assert_eq!(of(&error, "connect x").to_string(), text);
        }
    }
}
