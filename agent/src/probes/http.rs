//! Whether a web server answers as expected: phases, status, certificate, text.
//!
//! Every run makes a new connection: one kept alive would go on working over a path that takes
//! no new ones. A redirect is followed within the host only: another host's answer says nothing
//! about this one, and the sign-in page of a captive portal answers every request with 200.

mod answer;
mod client;
mod config;
pub(super) mod fault;
mod seen;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;
use wire::reading::{Capability, Failure, Reason};

use self::answer::Answer;
use self::client::Client;
use self::config::{Headers, Statuses, WebAddress};
use self::seen::Sight;
use super::{certificates, failure};
use crate::tally::Run;

/// How much of a body is read. The text a page is known by stands near its beginning, and a
/// probe must not fill a thin line.
const BODY_BYTES: usize = 256 * 1024;

/// `http: { url: "https://mcu.tinh.gov.vn/", status: [200], expect: "Đăng nhập" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// What to get, `http` or `https`.
    pub url: WebAddress,
    /// Status codes that are good, single ones or ranges with both ends: `[200, 300..399]`.
    /// Default: 200 to 399, but no redirect to another host; name its code to take that too.
    #[serde(default)]
    pub status: Statuses,
    /// A text the body must contain within its first 256 KiB. Default: none.
    #[serde(default)]
    pub expect: Option<Box<str>>,
    /// A PEM file of certificates to trust besides the system's: an authority's, or the server's
    /// own where it signed itself. Read once, at the first run. Default: none.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// More header fields to send. Default: none.
    #[serde(default)]
    pub headers: Headers,
    /// An HTTP proxy to go through. Default: none, even where the environment names one: the
    /// probe is to measure the way a meeting takes, and that is the direct one.
    #[serde(default)]
    pub proxy: Option<WebAddress>,
    #[serde(skip)]
    client: Option<Client>,
}

impl Http {
    /// A handshake with certificates is the dearest thing a probe does, on both sides.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// What people wait for a page before they call it broken.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Gets the page over a new connection.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let deadline = Instant::now() + failure::patience(run);
        let client = self.client().await?;
        client.seen.begin();
        let mut answer = Answer::default();
        let left = deadline.saturating_duration_since(Instant::now());
        let exchange = answer.fetch(&client, &self.url);
        let result = failure::within(left, self.what(), exchange).await;
        let sight = client.seen.sight();
        record(run, &sight, &answer);
        match result {
            Ok(()) => self.judge(run, &sight, &answer),
            Err(failure) => Err(self.located(failure, &sight, &answer)),
        }
    }

    /// The client, made at the first run: the system's certificates are read from many files,
    /// which is why that happens on a thread of its own.
    async fn client(&mut self) -> Result<Client, Failure> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let ca_file = self.ca_file.clone();
        let trust = tokio::task::spawn_blocking(move || certificates::trust(ca_file.as_deref()))
            .await
            .map_err(|error| Failure::new(Reason::Internal, format_args!("a thread: {error}")))??;
        let client = Client::new(trust, &self.headers, self.proxy.as_ref())?;
        self.client = Some(client.clone());
        Ok(client)
    }

    fn what(&self) -> String {
        format!("GET {}", self.url)
    }

    /// A time-out says what was being waited for.
    fn located(&self, failure: Failure, sight: &Sight, answer: &Answer) -> Failure {
        if failure.reason != Reason::Timeout {
            return failure;
        }
        let (reason, stage) = match (sight.resolving, sight.connected, answer.status) {
            (true, _, _) => (Reason::Resolve, "resolving the name"),
            (_, None, _) => (Reason::Timeout, "connecting"),
            (_, _, None) => (Reason::Timeout, "waiting for the answer's headers"),
            _ => (Reason::Timeout, "reading the body"),
        };
        Failure::new(reason, format_args!("{}: no end of {stage} in time", self.what()))
    }

    fn judge(&self, run: &mut Run<'_>, sight: &Sight, answer: &Answer) -> Result<(), Failure> {
        let unexpected = |cause: String| {
            Failure::new(Reason::Unexpected, format_args!("{}: {cause}", self.what()))
        };
        let Some(status) = answer.status else {
            return Err(Failure::new(Reason::Internal, "an answer without a status"));
        };
        if let Some(elsewhere) = &sight.redirect_elsewhere
            && !self.status.names(status)
        {
            return Err(unexpected(format!("status {status} redirects to host {elsewhere}")));
        }
        if !self.status.good(status) {
            return Err(unexpected(format!("status {status}")));
        }
        let Some(expect) = &self.expect else { return Ok(()) };
        if String::from_utf8_lossy(&answer.body).contains(&**expect) {
            run.step(
                || format!("Nội dung có chứa \"{expect}\"."),
                || format!("The body contains \"{expect}\"."),
            );
            return Ok(());
        }
        let bytes = answer.body.len();
        Err(unexpected(format!("the text is not within the first {bytes} bytes of the body")))
    }
}

/// Whatever was seen counts, also of a run that failed in the end: an expired certificate still
/// tells when it expired.
fn record(run: &mut Run<'_>, sight: &Sight, answer: &Answer) {
    if let Some(resolve) = sight.resolve {
        phase(run, "bridge_probe_http_resolve_seconds", ("Phân giải tên", "Resolved"), resolve);
    }
    if let Some(connect) = sight.connected {
        phase(run, "bridge_probe_http_connect_seconds", ("Kết nối", "Connected"), connect);
    }
    if let Some(headers) = answer.headers_after {
        let before = sight.resolve.unwrap_or_default() + sight.connected.unwrap_or_default();
        let first_byte = headers.saturating_sub(before);
        let words = ("Byte đầu tiên", "First byte");
        phase(run, "bridge_probe_http_first_byte_seconds", words, first_byte);
    }
    if let Some(transfer) = answer.transfer {
        phase(run, "bridge_probe_http_transfer_seconds", ("Tải nội dung", "Body read"), transfer);
    }
    if let Some(status) = answer.status {
        run.gauge("bridge_probe_http_status_code", f64::from(status));
        let bytes = answer.body.len();
        run.step(
            || format!("Mã trạng thái {status}, đã đọc {bytes} byte."),
            || format!("Status {status}, {bytes} bytes read."),
        );
    }
    if let Some(expiry) = sight.certificate_expiry {
        run.gauge("bridge_probe_tls_expiry_timestamp_seconds", expiry as f64);
        let date = certificates::date(expiry);
        run.step(
            || format!("Chứng thư của máy chủ hết hạn ngày {date}."),
            || format!("The server's certificate expires on {date}."),
        );
    }
}

fn phase(run: &mut Run<'_>, metric: &str, (vi, en): (&str, &str), took: Duration) {
    let seconds = took.as_secs_f64();
    run.gauge(metric, seconds);
    run.step(
        || format!("{vi}: {:.1} ms.", seconds * 1e3),
        || format!("{en}: {:.1} ms.", seconds * 1e3),
    );
}
