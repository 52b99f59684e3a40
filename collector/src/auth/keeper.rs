//! The thread that holds [`Auth`] to what the store says, and that enrols.
//!
//! `revoke` runs in another process. The thread reads one number a second from the store, and the
//! credentials only when it has changed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::{error, info};
use wire::enrolment::EnrolError;
use wire::{SiteId, UnixMillis};

use super::Auth;
use crate::seldom::Seldom;
use crate::store::credentials::{self, RedeemError, Redeemed, Redemption};

/// A revoked credential is good for this long at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Enrolments that may wait. Each costs a commit, 100 ms on an old disk; who comes later is told
/// to try again.
const QUEUE: usize = 64;

/// The way to the thread, which ends with the last of these.
#[derive(Debug, Clone)]
pub struct Keeper(SyncSender<Wish>);

#[derive(Debug)]
struct Wish {
    redemption: Redemption,
    now: UnixMillis,
    answer: oneshot::Sender<Result<Redeemed, RedeemError>>,
}

/// Reads the credentials and starts the thread. `changed` is called whenever others are valid,
/// with the sites that have another one than before.
pub fn start(
    connection: Connection,
    auth: Arc<Auth>,
    changed: impl Fn(&Auth, &[SiteId]) + Send + 'static,
) -> Result<Keeper, rusqlite::Error> {
    let (sender, wishes) = sync_channel(QUEUE);
    let mut thread = Thread { connection, auth, changed, seen: None, failures: Seldom::default() };
    thread.look()?;
    thread::Builder::new()
        .name("credentials".to_owned())
        .spawn(move || thread.run(&wishes))
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    Ok(Keeper(sender))
}

impl Keeper {
    /// Uses a code. When this returns the site, its credential is valid.
    pub async fn redeem(
        &self,
        redemption: Redemption,
        now: UnixMillis,
    ) -> Result<Redeemed, RedeemError> {
        let (answer, answered) = oneshot::channel();
        self.0
            .try_send(Wish { redemption, now, answer })
            .map_err(|_| RedeemError::Refused(EnrolError::TooMany))?;
        answered.await.unwrap_or(Err(RedeemError::Refused(EnrolError::TooMany)))
    }
}

struct Thread<C> {
    connection: Connection,
    auth: Arc<Auth>,
    changed: C,
    /// The generation that `auth` holds.
    seen: Option<i64>,
    failures: Seldom,
}

impl<C: Fn(&Auth, &[SiteId])> Thread<C> {
    fn run(mut self, wishes: &Receiver<Wish>) {
        let mut next_look = Instant::now() + LOOK_EVERY;
        loop {
            let wait = next_look.saturating_duration_since(Instant::now());
            match wishes.recv_timeout(wait) {
                Ok(wish) => {
                    let result =
                        credentials::redeem(&mut self.connection, &wish.redemption, wish.now);
                    // Before the answer: the agent's first push follows it at once.
                    self.look_and_tell();
                    // Nobody waits any more where the connection broke; the agent asks again.
                    let _ = wish.answer.send(result);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.look_and_tell();
                    next_look = Instant::now() + LOOK_EVERY;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&mut self) -> Result<(), rusqlite::Error> {
        // The number first: what changes after it is seen at the next look.
        let generation = credentials::generation(&self.connection)?;
        if self.seen != Some(generation) {
            let renewed = self.auth.replace(
                credentials::all(&self.connection)?,
                credentials::former(&self.connection)?,
            );
            if self.seen.is_some() {
                info!(enrolled = self.auth.enrolled().len(), "credentials have changed");
            }
            self.seen = Some(generation);
            (self.changed)(&self.auth, &renewed);
        }
        Ok(())
    }

    fn look_and_tell(&mut self) {
        if let Err(error) = self.look()
            && let Some(unsaid) = self.failures.speak(Instant::now())
        {
            error!(%error, unsaid, "cannot read the credentials; those read before stay valid");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use hyper::HeaderMap;
    use hyper::header::AUTHORIZATION;
    use wire::enrolment::sha256_hex;

    use super::*;
    use crate::audit::Actor;
    use crate::store;

    const NOW: UnixMillis = 1_764_000_000_000;

    #[tokio::test]
    async fn an_enrolment_is_valid_when_it_is_answered_and_a_revocation_soon_after() {
        let directory = tempfile::tempdir().unwrap();
        let open = || store::open(directory.path()).unwrap();
        let site: SiteId = "th-0316".parse().unwrap();
        let code = (site.clone(), "code".to_owned());
        let mut elsewhere = open();
        credentials::add_codes(&mut elsewhere, (&[code], NOW + 1), &Actor::somebody(), NOW)
            .unwrap();

        let auth = Arc::new(Auth::default());
        let (tell, told) = mpsc::channel();
        let changed = move |auth: &Auth, _: &[SiteId]| tell.send(auth.enrolled()).unwrap();
        let keeper = start(open(), Arc::clone(&auth), changed).unwrap();
        assert!(told.recv().unwrap().is_empty(), "what is valid at the start is told too");

        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer c".parse().unwrap())]);
        assert_eq!(auth.site_of(&headers), None);
        let redemption = Redemption {
            secret_sha256: "code".into(),
            credential_sha256: sha256_hex(b"c"),
            hostname: String::new(),
            applicant: credentials::Applicant::default(),
            matched: None,
        };
        let redeemed = keeper.redeem(redemption, NOW).await.unwrap();
        assert_eq!(redeemed, Redeemed::Site { site: site.clone(), replaced: None });
        assert_eq!(auth.site_of(&headers), Some(site.clone()));
        assert_eq!(told.recv().unwrap().len(), 1);

        credentials::revoke(&mut elsewhere, &site, &Actor::somebody(), NOW).unwrap();
        assert!(told.recv_timeout(Duration::from_secs(20)).unwrap().is_empty());
        assert_eq!(auth.site_of(&headers), None);
    }
}
