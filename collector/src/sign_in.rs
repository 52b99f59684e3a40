//! Signing in to the board, and who it is that has.
//!
//! ```text
//!  name, password ─▶ throttle ─▶ a turn ─▶ Argon2id ─▶ session (store) ─▶ cookie
//!  cookie ─▶ session (store) ─▶ life ─▶ who, with which role; own page? ─▶ permission
//! ```
//! `throttle`, `life`, `cookie` and `origin` are pure. The store is asked for a session with each
//! request, so that a changed password, another role or a removed user are in force at once, also
//! when a command in another process changed them.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::listener::body::Incoming;
use hyper::header::{HeaderValue, ORIGIN, SET_COOKIE};
use hyper::{HeaderMap, Request, Response, StatusCode};
use rusqlite::Connection;
use serde::Serialize;
use tokio::sync::Semaphore;
use tracing::{error, warn};
use wire::UnixMillis;
use wire::enrolment::sha256_hex;

use crate::answers;
use crate::audit::{Act, Actor};
use crate::bucket::{Bucket, Measure};
use crate::listener::Body;
use crate::permission::Caller;
use crate::seldom::Seldom;
use crate::store::audit::Deed;
use crate::store::{self, audit, users};
use crate::users::{Password, Role, UserName};

mod cookie;
pub mod life;
mod origin;
mod refused;
mod request;
mod throttle;

use refused::Refused;
use request::{asked, proof, secret};
use throttle::Throttle;

/// Passwords that wait to be checked. One is checked at a time, because each takes 19 MiB for some
/// 30 ms; whoever comes when a quarter of a second's work waits is told to try again.
const WAITING: usize = 8;

/// Refused sign-ins that are written down: a day of attack is 1,500 lines, the number of the others
/// is in them.
const WRITTEN: Measure = Measure { burst: 60.0, rate: 1.0 / 60.0 };

/// Between two looks whether the session of somebody who looks on still lives.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where people sign in and out.
#[derive(Debug, Clone)]
pub struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Mutex<Connection>,
    throttle: Mutex<Throttle>,
    turn: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// How much is still written down, and what was not.
    written: Mutex<(Bucket, u64)>,
    refusals: Seldom,
    failures: Seldom,
    /// Whether every connection is TLS.
    tls: bool,
}

#[derive(Serialize)]
struct Who<'a> {
    user: Option<&'a str>,
    /// None who may not even look.
    role: Option<Role>,
    /// What the page sends along with each act; none without a session.
    proof: Option<String>,
}

/// Somebody who tries to sign in.
#[derive(Debug)]
struct Attempt {
    /// None where no user can be called so.
    name: Option<UserName>,
    password: Password,
    address: IpAddr,
    /// The hash of the cookie that came along.
    browser: Option<String>,
}

impl Desk {
    /// Opens with what the store knows.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn open(connection: Connection, tls: bool, now: UnixMillis) -> rusqlite::Result<Self> {
        users::forget_before(&connection, now.saturating_sub(2 * life::LONGEST))?;
        Ok(Self(Arc::new(Inner {
            store: Mutex::new(connection),
            throttle: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            written: Mutex::new((Bucket::full(WRITTEN, Instant::now()), 0)),
            refusals: Seldom::default(),
            failures: Seldom::default(),
            tls,
        })))
    }

    /// Who sends these headers, if somebody who has signed in.
    pub async fn person(&self, headers: &HeaderMap, now: UnixMillis) -> Option<Caller> {
        let secret = secret(headers)?;
        let (name, role) = self.living(sha256_hex(secret.as_bytes()), now).await?;
        let own_page = request::is_proven(headers, secret) && request::is_own(headers);
        Some(Caller::Person { name, role, own_page })
    }

    /// Waits until the session in these headers is over; for ever where there is none.
    pub async fn until_over(self, headers: HeaderMap) {
        let Some(sha256) = secret(&headers).map(|secret| sha256_hex(secret.as_bytes())) else {
            return std::future::pending().await;
        };
        while self.living(sha256.clone(), crate::now()).await.is_some() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// `GET /board/session`: who one is.
    #[must_use]
    pub fn who(caller: &Caller, headers: &HeaderMap) -> Response<Body> {
        let (user, proof) = match caller {
            Caller::Person { name, .. } => (Some(name.as_str()), secret(headers).map(proof)),
            _ => (None, None),
        };
        answers::kept_nowhere(answers::json(
            StatusCode::OK,
            &Who { user, role: caller.role(), proof },
        ))
    }

    /// `POST /board/sign-in`.
    pub async fn sign_in(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        now: UnixMillis,
    ) -> Response<Body> {
        let secure = self.is_secure(request.headers());
        match self.admit(request, peer.ip(), now).await {
            Ok(secret) => with_cookie(StatusCode::NO_CONTENT, &cookie::set(&secret, secure)),
            Err(refused) => {
                self.tell(&refused, peer);
                refused.answer()
            }
        }
    }

    /// `POST /board/sign-out`, of whoever the permission let through.
    pub async fn sign_out(
        &self,
        headers: &HeaderMap,
        actor: Actor,
        now: UnixMillis,
    ) -> Response<Body> {
        let Some(sha256) = secret(headers).map(|secret| sha256_hex(secret.as_bytes())) else {
            return answers::empty(StatusCode::NO_CONTENT);
        };
        let ended = self.blocking(move |inner| {
            let store = inner.store();
            let transaction = store::begin(&store)?;
            users::end_session(&transaction, &sha256)?;
            let subject = actor.who.as_str();
            let deed = Deed { act: Act::SignedOut, subject, before: None, after: None };
            audit::add(&transaction, &actor, deed, now)?;
            Ok(transaction.commit()?)
        });
        match ended.await {
            Ok(()) => {
                let cleared = cookie::clear(self.is_secure(headers));
                with_cookie(StatusCode::NO_CONTENT, &cleared)
            }
            Err(refused) => refused.answer(),
        }
    }

    /// The session's secret, for whoever has shown the password.
    async fn admit(
        &self,
        request: Request<Incoming>,
        address: IpAddr,
        now: UnixMillis,
    ) -> Result<String, Refused> {
        let browser = secret(request.headers()).map(|secret| sha256_hex(secret.as_bytes()));
        let asked = asked(request).await?;
        let (name, password) = (asked.user.trim().parse().ok(), Password::new(&asked.password));
        let attempt = self.recognised(Attempt { name, password, address, browser }).await?;
        let typed = attempt.name.as_ref().map(UserName::as_str).unwrap_or_default();
        let keys = throttle::keys(typed, address, attempt.browser.as_deref());
        let taken = self.throttle().take(&keys, Instant::now());
        if let Err(wait) = taken {
            self.refuse(attempt, "too many attempts", now).await?;
            return Err(Refused::Slow(wait));
        }
        let Ok(place) = Arc::clone(&self.0.waiting).try_acquire_owned() else {
            self.throttle().give_back(&keys);
            return Err(Refused::Busy);
        };
        // Nobody closes it.
        let turn = Arc::clone(&self.0.turn).acquire_owned().await.map_err(|_| Refused::Busy)?;
        let checked = self.blocking(move |inner| {
            let secret = inner.check(&attempt, now);
            // Held also where the one who asked has gone.
            drop((turn, place));
            secret.map(|secret| secret.ok_or(attempt))
        });
        match checked.await? {
            Ok(secret) => {
                self.throttle().give_back(&keys);
                Ok(secret)
            }
            Err(attempt) => {
                self.refuse(attempt, "wrong name or password", now).await?;
                Err(Refused::Wrong)
            }
        }
    }

    /// Keeps the browser only where this very user has signed in with it before.
    async fn recognised(&self, mut attempt: Attempt) -> Result<Attempt, Refused> {
        let Some(browser) = attempt.browser.clone() else { return Ok(attempt) };
        let session = self.blocking(move |inner| Ok(users::session(&inner.store(), &browser)?));
        let known = session.await?.map(|(name, _)| name);
        if known.is_none() || known != attempt.name {
            attempt.browser = None;
        }
        Ok(attempt)
    }

    /// Writes a refused sign-in down, as long as not too many are.
    async fn refuse(
        &self,
        attempt: Attempt,
        why: &'static str,
        now: UnixMillis,
    ) -> Result<(), Refused> {
        let unwritten = {
            let mut written = self.0.written.lock().unwrap_or_else(PoisonError::into_inner);
            if written.0.take(Instant::now()).is_err() {
                written.1 += 1;
                return Ok(());
            }
            std::mem::take(&mut written.1)
        };
        self.blocking(move |inner| Ok(inner.write_down(&attempt, why, unwritten, now)?)).await
    }

    /// Whose session it is and what may be done in it, while it lives.
    async fn living(&self, sha256: String, now: UnixMillis) -> Option<(UserName, Role)> {
        let found = self.blocking(move |inner| {
            let store = inner.store();
            let found = users::session(&store, &sha256)?.filter(|(_, session)| session.lives(now));
            if found.as_ref().is_some_and(|(_, session)| session.is_due(now)) {
                users::use_session(&store, &sha256, now)?;
            }
            Ok(found)
        });
        match found.await {
            Ok(found) => found.map(|(name, session)| (name, session.role)),
            Err(refused) => {
                if let Some(unsaid) = self.0.failures.speak(Instant::now()) {
                    error!(?refused, unsaid, "sessions cannot be read; nobody is signed in");
                }
                None
            }
        }
    }

    fn tell(&self, refused: &Refused, peer: SocketAddr) {
        if let Refused::Failed(cause) = refused {
            error!(cause, "nobody can sign in");
        } else if let Some(unsaid) = self.0.refusals.speak(Instant::now()) {
            warn!(%peer, unsaid, ?refused, "a sign-in was refused");
        }
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_secure(&self, headers: &HeaderMap) -> bool {
        self.0.tls || origin::is_secure(request::text(headers, ORIGIN))
    }

    /// The store waits for the disk, and a password takes its time.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(Refused::Failed(error.to_string())))
    }
}

impl Inner {
    fn store(&self) -> MutexGuard<'_, Connection> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret of a new session, if the password is right.
    fn check(&self, attempt: &Attempt, now: UnixMillis) -> Result<Option<String>, Refused> {
        let name = attempt.name.as_ref();
        let hash = name.map(|name| users::password(&self.store(), name)).transpose()?.flatten();
        let is_right = attempt.password.is(hash.as_deref());
        let (Some(name), Some(hash), true) = (name, hash, is_right) else { return Ok(None) };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| Refused::Failed(error.to_string()))?;
        let secret = data_encoding::HEXLOWER.encode(&secret);
        let store = self.store();
        let transaction = store::begin(&store)?;
        let sha256 = sha256_hex(secret.as_bytes());
        if !users::begin_session(&transaction, &sha256, name, &hash, now)? {
            return Ok(None);
        }
        if let Some(before) = &attempt.browser {
            users::end_session(&transaction, before)?;
        }
        let actor = Actor { who: name.to_string(), address: Some(attempt.address) };
        let deed = Deed { act: Act::SignedIn, subject: name.as_str(), before: None, after: None };
        audit::add(&transaction, &actor, deed, now)?;
        transaction.commit()?;
        Ok(Some(secret))
    }

    fn write_down(
        &self,
        attempt: &Attempt,
        why: &str,
        unwritten: u64,
        now: UnixMillis,
    ) -> rusqlite::Result<()> {
        let store = self.store();
        // Some people type their password where their name belongs.
        let known = match &attempt.name {
            Some(name) if users::is_known(&store, name)? => name.as_str(),
            _ => "(unknown)",
        };
        let after = match unwritten {
            0 => why.to_owned(),
            more => format!("{why}; {more} more before were not written down"),
        };
        let actor = Actor { who: String::new(), address: Some(attempt.address) };
        let deed =
            Deed { act: Act::SignInRefused, subject: known, before: None, after: Some(&after) };
        audit::add(&store, &actor, deed, now)
    }
}

fn with_cookie(status: StatusCode, cookie: &str) -> Response<Body> {
    let mut answer = answers::empty(status);
    // Secrets are hexadecimal, so it is always a header's value.
    answer.headers_mut().extend(HeaderValue::from_str(cookie).map(|value| (SET_COOKIE, value)));
    answer
}
