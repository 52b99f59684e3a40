//! One reader's stream of events, until the reader or the collector goes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Board, Over, Seat};
use crate::answers;
use crate::listener::Body;

/// Events that wait for a slow reader in its own queue; the others wait in the shared one.
const WAITING: usize = 1;

/// The stream of a seat.
pub(super) fn body(board: Arc<Board>, mut seat: Seat, stop: CancellationToken, over: Over) -> Body {
    let (out, events) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        tokio::select! {
            () = forward(&board, &mut seat, &out) => {}
            // Who left need not wait for the next event to be missed.
            () = out.closed() => return,
            () = stop.cancelled() => {}
            () = over => {}
        }
        if let Some(end) = seat.coding.end() {
            // Who is behind finds the stream cut off, and nobody waits for it.
            let _ = out.try_send(end);
        }
    });
    answers::streamed(events)
}

async fn forward(board: &Arc<Board>, seat: &mut Seat, out: &mpsc::Sender<Bytes>) {
    if let Some(begin) = seat.coding.begin()
        && out.send(begin).await.is_err()
    {
        return;
    }
    loop {
        let event = match seat.look.first.pop_front() {
            Some(event) => event,
            None => match seat.look.news.recv().await {
                Ok(event) => event,
                // Too slow for the changes: from the beginning again.
                Err(RecvError::Lagged(_)) => {
                    let (board, language) = (Arc::clone(board), seat.language);
                    let again = move || board.look(language, crate::now());
                    let Ok(look) = tokio::task::spawn_blocking(again).await else { return };
                    seat.look = look;
                    continue;
                }
                Err(RecvError::Closed) => return,
            },
        };
        // Counted only once it is sure to go out.
        let Ok(place) = out.reserve().await else { return };
        place.send(seat.coding.write(&event));
    }
}
