//! Follows what the collector offers: fetches, checks, applies, keeps.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wire::profile::Standing;

use super::{Kept, Probing, Profile, first, plan};
use crate::config::File;
use crate::uplink::Fetcher;

/// How long a new profile is on trial. What kills an agent at all kills it with the first runs
/// of its probes, which come within seconds.
const TRIAL: Duration = Duration::from_mins(1);

/// A profile that leaves the choice to the PC's own file.
const NO_PROBES: &str = r#"{"probes":{}}"#;

/// Between two tries to fetch a profile. The offer itself came over the same way, so the first
/// nearly always succeeds.
const AGAIN: Duration = Duration::from_secs(30);

/// The one who follows profiles, and owns the probes.
#[derive(Debug)]
pub(crate) struct Follower {
    probing: Probing,
    kept: Kept,
    file: File,
    offered: watch::Receiver<Option<Box<str>>>,
    standing: watch::Sender<Standing>,
    fetcher: Fetcher,
    proves_at: Option<Instant>,
}

impl Follower {
    /// Starts the probes: those of the profile that was kept, or, without one, those of the
    /// configuration's own file.
    pub(crate) fn begin(
        file: File,
        mut probing: Probing,
        (offered, standing): (watch::Receiver<Option<Box<str>>>, watch::Sender<Standing>),
        fetcher: Fetcher,
    ) -> Self {
        let before = Kept::load(&file.state_dir);
        let mut kept = before.clone().begun(crate::version::version());
        let mut planned = None;
        // At most twice: what was taken back for may be beyond this version too.
        while let (None, Some(profile)) = (&planned, kept.running()) {
            match plan(&file, &profile.text) {
                Ok(good) => planned = Some(good),
                Err(faults) => kept = kept.clone().taken_back(&first(&faults)),
            }
        }
        // The file itself was found good before.
        let own = || plan(&file, NO_PROBES).unwrap_or_default();
        probing.apply(planned.unwrap_or_else(own));
        let proves_at = kept.is_on_trial().then(|| Instant::now() + TRIAL);
        let follower = Self { probing, kept, file, offered, standing, fetcher, proves_at };
        if follower.kept != before {
            follower.keep();
        }
        follower.standing.send_replace(follower.kept.standing());
        follower
    }

    /// Follows until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let follow = async {
            loop {
                let offered = self.offered.borrow_and_update().clone();
                let wanted = offered.filter(|etag| !self.kept.knows(etag));
                let again = match wanted {
                    Some(etag) if !self.fetch(&etag).await => Some(Instant::now() + AGAIN),
                    _ => None,
                };
                let next = [again, self.proves_at].into_iter().flatten().min();
                tokio::select! {
                    changed = self.offered.changed() => if changed.is_err() { return },
                    () = until(next) => self.look_at_the_trial(),
                }
            }
        };
        stop.run_until_cancelled(follow).await;
        if self.kept.is_on_trial() {
            self.kept = std::mem::take(&mut self.kept).ended_well();
            self.keep();
        }
    }

    /// Whether an answer was had that settles the offer.
    async fn fetch(&mut self, etag: &str) -> bool {
        match self.fetcher.profile().await {
            Ok(Some(profile)) => {
                let settled = *profile.etag == *etag;
                self.take(profile);
                settled
            }
            // It was taken back meanwhile.
            Ok(None) => true,
            Err(error) => {
                tracing::warn!(%error, "the profile on offer could not be fetched");
                false
            }
        }
    }

    fn take(&mut self, profile: Profile) {
        if self.kept.knows(&profile.etag) {
            return;
        }
        let kept = std::mem::take(&mut self.kept);
        match plan(&self.file, &profile.text) {
            Ok(planned) => {
                let (started, stopped) = self.probing.apply(planned);
                tracing::info!(etag = profile.etag, started, stopped, "a profile was taken");
                self.kept = kept.took(profile);
                self.proves_at = Some(Instant::now() + TRIAL);
            }
            Err(faults) => {
                tracing::error!(etag = profile.etag, %faults, "the profile is refused; the last good one goes on");
                self.kept = kept.refuse(profile.etag, &first(&faults));
            }
        }
        self.keep();
        self.standing.send_replace(self.kept.standing());
    }

    fn look_at_the_trial(&mut self) {
        if self.proves_at.is_some_and(|at| at <= Instant::now()) {
            self.proves_at = None;
            self.kept = std::mem::take(&mut self.kept).proved();
            self.keep();
        }
    }

    /// On a full disk the profile runs all the same, and is fetched again after the next start.
    fn keep(&self) {
        if let Err(error) = self.kept.save(&self.file.state_dir) {
            tracing::error!(%error, "the profile could not be kept");
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
