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
pub(super) fn body(board: Arc<Board>, seat: Seat, stop: CancellationToken, over: Over) -> Body {
    let (out, events) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        tokio::select! {
            () = forward(&board, seat, &out) => {}
            // Who left need not wait for the next event to be missed.
            () = out.closed() => {}
            () = stop.cancelled() => {}
            () = over => {}
        }
    });
    answers::streamed(events)
}

async fn forward(board: &Arc<Board>, mut seat: Seat, out: &mpsc::Sender<Bytes>) {
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
        if out.send(event).await.is_err() {
            return;
        }
    }
}
