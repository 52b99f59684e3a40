//! The board: the roll call of the next meeting in a browser, live.
//!
//! ```text
//!  judging ─▶ picture ─▶ what changed ─▶ events ─▶ every reader's stream ─▶ board.js ─▶ tiles
//!                 └────▶ the whole picture, for whoever comes
//!  fleet ───▶ page ─▶ a site's page
//! ```
//! `picture`, `places`, `events`, `squeezed` and `page` are pure. An event is made once for all readers of a
//! language, and only while there are readers.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use wire::{Language, UnixMillis};

use crate::fleet::Snapshot;
use crate::judging::{self, Judged};
use crate::listener::Body;
use crate::{acknowledgements, answers, exposition};

mod events;
mod page;
mod picture;
mod places;
mod squeezed;
mod stream;

#[cfg(test)]
mod tests;

use picture::Picture;
use squeezed::{Coding, Event};

/// Streams at a time: a room of screens and some dozens of people. More would take the
/// connections that Prometheus and everybody else's pages need; see `OPERATIONS_CONNECTIONS`.
const STREAMS: usize = 100;

/// Events that a slow reader may be behind: 16 judgements are 8 s of a rehearsal. Beyond that
/// the whole picture is less than what was missed.
const BEHIND: usize = 16;

/// A reader hears something at least this often, so that it can tell silence from calm. Shorter
/// than the longest pause between judgements, each of which may thus be heard.
const BEAT_MILLIS: i64 = 10_000;

/// Seconds after which a reader without a seat may ask again.
const FULL_RETRY_SECONDS: u64 = 30;

/// When somebody may no longer look on.
pub type Over = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A file of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// The page.
    Html,
    /// Its looks.
    Css,
    /// What keeps it live.
    Script,
    /// What a browser's tab shows.
    Icon,
}

impl File {
    fn content(self) -> (&'static str, &'static str) {
        match self {
            Self::Html => ("text/html; charset=utf-8", include_str!("../board/board.html")),
            Self::Css => ("text/css; charset=utf-8", include_str!("../board/board.css")),
            Self::Script => ("text/javascript; charset=utf-8", include_str!("../board/board.js")),
            Self::Icon => ("image/svg+xml", include_str!("../board/favicon.svg")),
        }
    }

    /// The file as an answer.
    #[must_use]
    pub fn answer(self) -> Response<Body> {
        let (kind, text) = self.content();
        let mut answer = answers::text(StatusCode::OK, text);
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        guarded(answer)
    }
}

/// Everything of the board comes from the collector and nothing else may: no script or picture
/// from elsewhere, nothing that a hostile name could bring in, no page around it.
const GUARDS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

fn guarded(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    for (name, value) in GUARDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // A new version of the collector shows itself at once, and whom to call is kept nowhere.
    answers::kept_nowhere(answer)
}

/// What all readers share.
#[derive(Debug)]
pub struct Board {
    judged: Arc<judging::Shared>,
    given: Arc<acknowledgements::Shared>,
    seats: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// None while nobody looks.
    picture: Option<Picture>,
    vietnamese: Channel,
    english: Channel,
    said_at: UnixMillis,
}

/// The readers of one language.
#[derive(Debug)]
struct Channel {
    news: broadcast::Sender<Event>,
    /// The whole picture, made for the first who came since it changed.
    whole: Option<Event>,
}

impl Default for Channel {
    fn default() -> Self {
        Self { news: broadcast::Sender::new(BEHIND), whole: None }
    }
}

impl State {
    fn channels(&mut self) -> [(Language, &mut Channel); 2] {
        [(Language::Vi, &mut self.vietnamese), (Language::En, &mut self.english)]
    }

    fn is_alone(&self) -> bool {
        self.vietnamese.news.receiver_count() + self.english.news.receiver_count() == 0
    }
}

/// One reader's place.
#[derive(Debug)]
struct Seat {
    language: Language,
    look: Look,
    coding: Coding,
    _permit: OwnedSemaphorePermit,
}

/// The picture as it stands, and all news from then on.
#[derive(Debug)]
struct Look {
    first: VecDeque<Event>,
    news: broadcast::Receiver<Event>,
}

impl Board {
    /// One of what is judged.
    #[must_use]
    pub fn new(judged: Arc<judging::Shared>, given: Arc<acknowledgements::Shared>) -> Self {
        let (seats, state) = (Arc::new(Semaphore::new(STREAMS)), Mutex::default());
        Self { judged, given, seats, state }
    }

    /// Tells the readers what is new in a judgement; called after each.
    pub fn take(&self, judged: &Judged, now: UnixMillis) {
        let mut state = self.lock();
        if state.is_alone() {
            *state = State::default();
            return;
        }
        let picture = Picture::of(judged, self.given.all(), state.picture.as_ref());
        let changes = state.picture.as_ref().map(|before| picture.since(before));
        let quiet = matches!(&changes, Some(Some(changes)) if changes.is_empty());
        if quiet && now.saturating_sub(state.said_at) < BEAT_MILLIS {
            state.picture = Some(picture);
            return;
        }
        state.said_at = now;
        for (language, channel) in state.channels() {
            channel.whole = channel.whole.take().filter(|_| quiet);
            if channel.news.receiver_count() == 0 {
                continue;
            }
            let told = match &changes {
                Some(Some(changes)) if changes.is_empty() => vec![events::beat(picture.at, now)],
                Some(Some(changes)) => vec![events::change(&picture, changes, language, now)],
                _ => vec![events::beat(picture.at, now), events::whole(&picture, language)],
            };
            for event in told {
                // It fails when the last reader has just left.
                let _ = channel.news.send(event);
            }
        }
        state.picture = Some(picture);
    }

    /// Takes a while for ten thousand sites.
    fn look(&self, language: Language, now: UnixMillis) -> Look {
        let mut state = self.lock();
        let State { picture, vietnamese, english, .. } = &mut *state;
        let channel = language.pick(vietnamese, english);
        let picture = picture
            .get_or_insert_with(|| Picture::of(&self.judged.latest(), self.given.all(), None));
        let whole = channel.whole.get_or_insert_with(|| events::whole(picture, language));
        let first = [events::beat(picture.at, now), whole.clone()].into();
        Look { first, news: channel.news.subscribe() }
    }

    /// The answer to whoever wants to look on until `stop`, or until it is `over` for this reader
    /// alone; 503 where every seat is taken.
    pub async fn events(
        self: &Arc<Self>,
        query: Option<&str>,
        accept_encoding: Option<&str>,
        stop: CancellationToken,
        over: Over,
    ) -> Response<Body> {
        let language = language(query);
        let Ok(permit) = Arc::clone(&self.seats).try_acquire_owned() else {
            let full = answers::text(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{STREAMS} readers look at the board; close one of its pages\n"),
            );
            return guarded(answers::retry_after(full, FULL_RETRY_SECONDS));
        };
        let board = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || board.look(language, crate::now())).await;
        let Ok(look) = looked else {
            return answers::empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let gzip = exposition::takes_gzip(accept_encoding);
        let seat = Seat { language, look, coding: Coding::new(gzip), _permit: permit };
        let mut answer = Response::new(stream::body(Arc::clone(self), seat, stop, over));
        let kind = HeaderValue::from_static("text/event-stream");
        answer.headers_mut().insert(CONTENT_TYPE, kind);
        if gzip {
            answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        guarded(answer)
    }

    /// The answer to whoever wants a site's page; 404 where it is not expected.
    #[must_use]
    pub fn site(&self, snapshot: &Snapshot, id: &str, query: Option<&str>) -> Response<Body> {
        let meeting = answers::asked(query, "meeting").and_then(crate::routes::decoded);
        let judged = self.judged.latest();
        let page = page::page(snapshot, &judged, id, meeting.as_deref(), language(query));
        guarded(match page {
            Some(json) => answers::json_bytes(StatusCode::OK, json),
            None => answers::empty(StatusCode::NOT_FOUND),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whatever was left half done is told anew from the next judgement on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Vietnamese, unless another language is asked for.
fn language(query: Option<&str>) -> Language {
    answers::asked(query, "lang").and_then(|lang| lang.parse().ok()).unwrap_or_default()
}
