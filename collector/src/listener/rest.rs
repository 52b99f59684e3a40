//! Tells when a connection is at rest between two requests, so that what speaks HTTP, two buffers
//! of 8 KiB among it, can be let go until the next one begins. Agents are silent for 15 s to 2 min
//! between pushes of milliseconds; ten thousand of them would hold 160 MiB of empty buffers.
//!
//! hyper does not tell. It is seen from outside, from three sides: the request was heard to its
//! end, its answer was written to its end and flushed, and hyper asks for more while there is
//! nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How far the exchanges of a connection are; each has a number, from 1.
///
/// Requests follow each other, but a task that reads on in an unwanted body may see its end when
/// the next has begun. So each mark says of which exchange it is.
#[derive(Debug, Default)]
pub(super) struct Marks {
    begun: AtomicU32,
    heard: AtomicU32,
    answered: AtomicU32,
    flushed: AtomicU32,
    resting: AtomicU32,
}

impl Marks {
    /// A request has come; its number.
    pub(super) fn begin(&self) -> u32 {
        self.begun.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The body of this request was read to its end.
    pub(super) fn hear(&self, number: u32) {
        self.heard.fetch_max(number, Ordering::Relaxed);
    }

    /// Marks the end of an answer.
    pub(super) fn answer<B>(self: Arc<Self>, body: B, number: u32) -> Answer<B> {
        Answer { body, marks: self, number }
    }

    /// Whether nothing is under way, and nothing of a next request has come.
    pub(super) fn at_rest(&self) -> bool {
        let begun = self.begun.load(Ordering::Relaxed);
        begun > 0 && self.resting.load(Ordering::Relaxed) == begun
    }

    fn flush(&self) {
        self.flushed.store(self.answered.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// There is nothing to read.
    fn wait(&self) {
        let begun = self.begun.load(Ordering::Relaxed);
        let done = |mark: &AtomicU32| mark.load(Ordering::Relaxed) == begun;
        if done(&self.heard) && done(&self.flushed) {
            self.resting.store(begun, Ordering::Relaxed);
        }
    }
}

/// A stream that marks what passes, and begins with what was already read of it.
#[derive(Debug)]
pub(super) struct Stream<S> {
    inner: S,
    begun: Bytes,
    marks: Arc<Marks>,
}

impl<S> Stream<S> {
    pub(super) fn new(inner: S, begun: Bytes, marks: Arc<Marks>) -> Self {
        Self { inner, begun, marks }
    }

    pub(super) fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = self.begun.len().min(buffer.remaining());
        if before > 0 {
            buffer.put_slice(&self.begun[..before]);
            self.begun.advance(before);
        }
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if before > 0 && !matches!(read, Poll::Ready(Err(_))) {
            return Poll::Ready(Ok(()));
        }
        if read.is_pending() {
            self.marks.wait();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(context))?;
        self.marks.flush();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// An answer's body. hyper lets go of it when the last of it stands in the buffer for writing.
#[derive(Debug)]
pub(super) struct Answer<B> {
    body: B,
    marks: Arc<Marks>,
    number: u32,
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Answer<B> {
    fn drop(&mut self) {
        self.marks.answered.fetch_max(self.number, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// One exchange, of which each step may be left out.
    async fn exchange(steps: [bool; 4]) -> bool {
        let [heard, answered, flushed, asked] = steps;
        let (stream, _peer) = duplex(64);
        let marks = Arc::new(Marks::default());
        let mut stream = Stream::new(stream, Bytes::new(), Arc::clone(&marks));
        let number = marks.begin();
        if heard {
            marks.hear(number);
        }
        let answer = Arc::clone(&marks).answer(Full::<Bytes>::default(), number);
        if answered {
            drop(answer);
        } else {
            std::mem::forget(answer);
        }
        if flushed {
            stream.flush().await.unwrap();
        }
        if asked {
            let mut buffer = [0; 8];
            let mut buffer = ReadBuf::new(&mut buffer);
            let read = poll_fn(|context| {
                Poll::Ready(Pin::new(&mut stream).poll_read(context, &mut buffer))
            });
            assert!(read.await.is_pending());
        }
        marks.at_rest()
    }

    #[tokio::test]
    async fn a_connection_is_at_rest_when_all_is_said_and_nothing_comes() {
        assert!(exchange([true; 4]).await);
        for missing in 0..4 {
            let mut steps = [true; 4];
            steps[missing] = false;
            assert!(!exchange(steps).await, "{steps:?}");
        }
    }

    #[test]
    fn the_end_of_an_earlier_body_is_not_taken_for_that_of_the_next() {
        let marks = Arc::new(Marks::default());
        let (first, second) = (marks.begin(), marks.begin());
        drop(Arc::clone(&marks).answer((), second));
        marks.flush();
        marks.hear(first);
        marks.wait();
        assert!(!marks.at_rest());
        marks.hear(second);
        marks.wait();
        assert!(marks.at_rest());
    }

    #[tokio::test]
    async fn what_was_read_before_comes_first() {
        let (stream, mut peer) = duplex(64);
        peer.write_all(b"T / HTTP/1.1").await.unwrap();
        drop(peer);
        let mut stream = Stream::new(stream, Bytes::from_static(b"GE"), Arc::default());
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "GET / HTTP/1.1");
    }
}
