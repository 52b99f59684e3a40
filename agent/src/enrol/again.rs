//! A PC that enrolled with the fleet's code asks now and then which site it is.

use std::path::Path;
use std::time::Duration;

use super::{ATTEMPT, Answered, Attempt, Failure, address, ask};
use crate::identity::{self, Identity};

/// As often as the collector wants it, within reason.
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_mins(30);

/// After a failure, whatever it was: whoever mends it is not in a hurry.
const AFTER_FAILURE: Duration = Duration::from_mins(2);

/// A PC that waits.
pub(crate) struct Waiting {
    attempt: Attempt,
    /// Its number at the collector.
    pub(crate) number: i64,
}

/// Whether this PC waits to be matched to its site.
pub(crate) fn waits(state_dir: &Path) -> Option<Waiting> {
    let attempt: Attempt = identity::read(&state_dir.join(ATTEMPT)).ok()??;
    let number = attempt.waiting.as_ref()?.number;
    Some(Waiting { attempt, number })
}

impl Waiting {
    /// Asks once; where this PC is a site now, its identity is on disk. Tells when to ask again.
    pub(crate) async fn ask(&self, state_dir: &Path, proxy: Option<&str>) -> Duration {
        match self.try_once(state_dir, proxy).await {
            Ok(again) => again.clamp(LEAST, MOST),
            Err(failure) => {
                tracing::warn!(%failure, number = self.number, "cannot ask which site this PC is");
                AFTER_FAILURE
            }
        }
    }

    async fn try_once(&self, state_dir: &Path, proxy: Option<&str>) -> Result<Duration, Failure> {
        let Attempt { credential, waiting: Some(waits), .. } = &self.attempt else {
            return Ok(MOST);
        };
        let code = waits.code.parse()?;
        let (answer, authority) = ask(&code, credential, proxy).await?;
        let answer = match answer {
            Answered::Waiting(waiting) => return Ok(Duration::from_secs(waiting.again_seconds)),
            Answered::Site(answer) => answer,
        };
        let (collector, credential) = (address(&code), credential.clone());
        let identity = Identity { site: answer.site, collector, authority, credential };
        identity::save(state_dir, &identity)?;
        Ok(LEAST)
    }
}
