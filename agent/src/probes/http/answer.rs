//! One request and what came back.

use std::time::{Duration, Instant};

use wire::reading::Failure;

use super::BODY_BYTES;
use super::client::Client;
use super::config::WebAddress;
use super::fault;

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
        let failed = |error: &reqwest::Error| {
            fault::of(error, format_args!("GET {address}"), address.0.scheme() == "https")
        };
        let sent = client.http.get((*address.0).clone()).send().await;
        let mut response = sent.map_err(|error| failed(&error))?;
        self.status = Some(response.status().as_u16());
        self.headers_after = Some(start.elapsed());
        let headers = Instant::now();
        while self.body.len() < BODY_BYTES
            && let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))?
        {
            let room = BODY_BYTES - self.body.len();
            self.body.extend(chunk.iter().take(room));
        }
        self.transfer = Some(headers.elapsed());
        Ok(())
    }
}
