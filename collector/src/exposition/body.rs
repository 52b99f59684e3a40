//! The answer's body: chunks as they are asked for, or packed in a thread of their own.

use std::convert::Infallible;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::chunks::{CHUNK_BYTES, Chunks};
use super::gather::Gathered;
use super::negotiate::{Coding, Wanted};
use super::shard::Shard;
use super::software;
use super::verdicts::Verdicts;
use crate::answers;
use crate::fleet::{Site, Snapshot};
use crate::telemetry::Telemetry;

/// Level 1 of both codings: on text that repeats as much as this, the higher levels cost many
/// times the processor time for a few per cent.
const LEVEL: u32 = 1;

/// Packed chunks that wait for a slow reader; the packing thread then waits as well.
const PACKED_CHUNKS: usize = 2;

/// The answer to a scrape. What it shows is fixed when this returns, and streamed as the reader
/// takes it. Must be called within a tokio runtime.
#[must_use]
pub fn body(
    snapshot: Snapshot,
    verdicts: Arc<Verdicts>,
    telemetry: &Telemetry,
    wanted: Wanted,
    shard: Option<Shard>,
) -> BoxBody<Bytes, Infallible> {
    count_sites(&snapshot, telemetry);
    let families = telemetry.gather();
    let series = telemetry.series.clone();
    let chunks = move || {
        let mut gathered = Gathered::sites(&snapshot, &verdicts, shard);
        series.set(i64::try_from(gathered.series()).unwrap_or(i64::MAX));
        let mut tail = String::new();
        if shard.is_none_or(Shard::is_first) {
            gathered.add(&software::of_the_table(&families));
            tail = software::of_the_process(&families, wanted.format);
        }
        Chunks::new(gathered, wanted.format, tail)
    };
    match wanted.coding {
        Coding::Identity => {
            let chunks = chunks();
            Plain { bytes_left: chunks.bytes_left() as u64, chunks }.boxed()
        }
        Coding::Gzip => packed(move |outlet| {
            let packer = GzEncoder::new(outlet, Compression::new(LEVEL));
            pack(chunks(), packer, GzEncoder::finish)
        }),
        Coding::Zstd => packed(move |outlet| {
            let packer = zstd::Encoder::new(outlet, LEVEL.cast_signed())?;
            pack(chunks(), packer, zstd::Encoder::finish)
        }),
    }
}

fn count_sites(snapshot: &Snapshot, telemetry: &Telemetry) {
    let count = |state: &str, holds: &dyn Fn(&Site) -> bool| {
        let sites = snapshot.sites.iter().filter(|(_, site)| holds(site)).count();
        let sites = i64::try_from(sites).unwrap_or(i64::MAX);
        telemetry.sites.with_label_values(&[state]).set(sites);
    };
    count("expected", &|site| site.expected().is_some());
    count("enrolled", &Site::is_enrolled);
    count("up", &|site| site.is_up(snapshot.now));
}

/// Chunks as they are asked for: copying one takes microseconds, no thread is worth it.
struct Plain {
    chunks: Chunks,
    bytes_left: u64,
}

impl Body for Plain {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.chunks.next();
        if let Some(chunk) = &chunk {
            self.bytes_left = self.bytes_left.saturating_sub(chunk.len() as u64);
        }
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes_left)
    }
}

fn packed(
    work: impl FnOnce(Outlet) -> io::Result<()> + Send + 'static,
) -> BoxBody<Bytes, Infallible> {
    let (sender, receiver) = mpsc::channel(PACKED_CHUNKS);
    tokio::task::spawn_blocking(move || {
        // It fails only when the reader is gone, and then nobody is left to be told.
        let _ = work(Outlet { sender, chunk: Vec::new() });
    });
    answers::streamed(receiver)
}

fn pack<P: Write>(
    chunks: Chunks,
    mut packer: P,
    finish: fn(P) -> io::Result<Outlet>,
) -> io::Result<()> {
    for chunk in chunks {
        packer.write_all(&chunk)?;
    }
    finish(packer)?.send()
}

/// Where packed bytes go: to the reader, in chunks.
struct Outlet {
    sender: mpsc::Sender<Bytes>,
    chunk: Vec<u8>,
}

impl Outlet {
    fn send(&mut self) -> io::Result<()> {
        let chunk = Bytes::from(std::mem::take(&mut self.chunk));
        self.sender.blocking_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
