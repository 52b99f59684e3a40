//! The local page: what `doctor` finds, for whoever sits in the room.
//!
//! ```text
//!   browser ─▶ loopback ─▶ request (pure) ─┬▶ a file
//!                                          └▶ findings ◀─ doctor ◀─ latest readings of the agent
//! ```
//! It costs nothing while nobody looks. While somebody does, the probes run as configured even where
//! no meeting is near, so that what is mended is seen; in a meeting nothing is looked at for it.

mod latest;
mod request;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use wire::Language;

use crate::cadence::{Cadence, Timetable};
use crate::config::File;
use crate::doctor::Seen;
use crate::run::unix_ms;
use crate::{identity, platform};

pub(crate) use latest::Latest;
use request::{Asked, Refused};

/// Beside the collector's 9815, so that a technician needs to remember one place.
pub const PORT: u16 = 9816;

/// A television, somebody's browser with its six connections, and room for one more of both.
const CONNECTIONS: usize = 16;

/// The head of a browser's request has some 800 bytes.
const HEAD_BYTES: usize = 8 * 1024;

/// Both ends are on this PC.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);

/// With the line down, a look waits for name servers and the collector in turn.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);

/// The collector is asked each time: three times a minute costs it nothing, and whoever plugs a cable
/// in sees it while still standing there.
const LOOK_EVERY: u64 = 20_000;

/// After an error of the listener, as when no descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Meetings start on the minute; what the way's delay adds to one is no news.
const MINUTE_MILLIS: i64 = 60_000;

/// What the page shows.
#[derive(Debug)]
struct Page {
    file: File,
    language: Language,
    latest: Rc<Latest>,
    timetable: watch::Sender<Timetable>,
    /// What was seen last, and when on the monotonic clock. One look serves all who ask meanwhile.
    seen: Mutex<Option<(u64, Seen)>>,
}

/// Opens the page on this PC alone, until `stop`. Where the port is taken, the agent does without.
pub(crate) async fn open(
    file: &File,
    latest: Rc<Latest>,
    timetable: watch::Sender<Timetable>,
    stop: &CancellationToken,
) {
    let port = file.page_port;
    if port == 0 {
        return;
    }
    let language = file.language.or_else(platform::language).unwrap_or_default();
    let (file, seen) = (file.clone(), Mutex::new(None));
    let page = Rc::new(Page { file, language, latest, timetable, seen });
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        match TcpListener::bind(SocketAddr::new(address, port)).await {
            Ok(listener) => {
                let serving = serve(listener, Rc::clone(&page), Arc::clone(&seats));
                let stop = stop.clone();
                spawn_local(async move { stop.run_until_cancelled(serving).await });
            }
            // Not every PC has IPv6.
            Err(error) if address.is_ipv6() => tracing::debug!(%error, port, "no page on ::1"),
            Err(error) => tracing::warn!(
                %error, port, "no local page: another program has this port; set page_port in agent.yaml"
            ),
        }
    }
}

async fn serve(listener: TcpListener, page: Rc<Page>, seats: Arc<Semaphore>) {
    // It is never closed.
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let page = Rc::clone(&page);
        spawn_local(async move {
            // Who hangs up early or never asks is nobody's trouble.
            let _ = timeout(ANSWER_PATIENCE, answer(stream, &page)).await;
            drop(seat);
        });
    }
}

async fn answer(mut stream: TcpStream, page: &Page) -> io::Result<()> {
    let head = timeout(HEAD_PATIENCE, read_head(&mut stream)).await??;
    let answer = match request::asked(&head, page.file.page_port) {
        Ok(Asked::File(file)) => request::answer("200 OK", file.kind, file.text),
        Ok(Asked::Findings(language)) => {
            let findings = page.findings(language.unwrap_or(page.language)).await;
            request::answer("200 OK", "application/json", &findings.to_string())
        }
        Err(refused) => refused.answer(),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// Everything up to the empty line; what is longer is refused when it is read.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

impl Page {
    async fn findings(&self, language: Language) -> Value {
        let now = platform::monotonic_ms();
        self.timetable.send_if_modified(|timetable| timetable.look(now));
        let timetable = *self.timetable.borrow();
        let mut seen = self.seen.lock().await;
        let in_meeting = timetable.at(now) == Cadence::Meeting;
        if seen.as_ref().is_none_or(|(at, _)| !in_meeting && now >= at + LOOK_EVERY) {
            let fresh = Seen::now(&self.file, self.latest.all(now)).await;
            *seen = Some((platform::monotonic_ms(), fresh));
        }
        let Some((at, seen)) = seen.as_ref() else { return Value::Null };
        let mut told = seen.told(language);
        let identity = identity::load(&self.file.state_dir).ok().flatten();
        told["site"] = identity.map(|identity| identity.site.to_string()).into();
        told["pc"] = platform::hostname().into();
        told["language"] = language.pick("vi", "en").into();
        told["in_meeting"] = in_meeting.into();
        let now = platform::monotonic_ms();
        told["age_ms"] = now.saturating_sub(*at).into();
        // By the collector's clock where it is known, for that of this PC may be years off.
        let theirs = unix_ms().saturating_sub(seen.clock_offset().unwrap_or(0));
        told["meeting"] =
            timetable.meeting(now).map(|meeting| told_meeting(meeting, now, theirs)).into();
        told
    }
}

/// Start and end in milliseconds from now, and the start as people say it.
fn told_meeting((start, end): (u64, u64), now: u64, unix: i64) -> Value {
    let from_now =
        |moment: u64| i64::try_from(moment).unwrap_or(i64::MAX).saturating_sub_unsigned(now);
    let start_unix = unix.saturating_add(from_now(start)).saturating_add(MINUTE_MILLIS / 2);
    json!({
        "start": start_unix - start_unix.rem_euclid(MINUTE_MILLIS),
        "starts_in_ms": from_now(start),
        "ends_in_ms": from_now(end),
    })
}

impl Refused {
    fn answer(self) -> String {
        let (status, said) = match self {
            Self::Malformed => ("400 Bad Request", "this is no request\n"),
            Self::Unknown => ("404 Not Found", "there is only /\n"),
            Self::Method => ("405 Method Not Allowed", "this page only shows\n"),
            Self::Misdirected => ("421 Misdirected Request", "this page is for this PC alone\n"),
        };
        request::answer(status, "text/plain", said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_is_told_on_the_minute_whatever_the_ways_delay() {
        let (now, unix) = (1_000_000, 1_795_310_712_345);
        // 07:30 and half a second by a clock that was told on a slow line.
        let start = 1_795_311_000_000_i64 - unix + 1_000_000 + 512;
        let start = u64::try_from(start).unwrap();
        let told = told_meeting((start, start + 3_600_000), now, unix);
        assert_eq!(told["start"], 1_795_311_000_000_i64);
        assert_eq!(told["starts_in_ms"], 288_167);
        let running = told_meeting((400_000, 1_600_000), now, unix);
        assert_eq!(
            (&running["starts_in_ms"], &running["ends_in_ms"]),
            (&json!(-600_000), &json!(600_000))
        );
    }
}
