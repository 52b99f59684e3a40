//! A site's connection to its collector: the agent's own uplink, and what becomes of it when the
//! line is cut or the PC's clock is set.

use std::sync::Arc;

use agent::cadence::Timetable;
use agent::identity::Identity;
use agent::spool;
use agent::uplink::{Counters, Uplink, UplinkError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::UnixMillis;

/// How the line and the clock stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) cut: bool,
    /// What the PC's clock is ahead of the true time.
    pub(crate) clock_off: UnixMillis,
}

/// Who pushes, and where to.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) identity: Identity,
    /// The address of somebody who never answers.
    pub(crate) nowhere: String,
    pub(crate) boot: Uuid,
    pub(crate) counters: Arc<Counters>,
    pub(crate) spool: spool::Handle,
}

impl Line {
    /// Pushes until `stop`, then once more.
    pub(crate) async fn run(
        self,
        mut standing: watch::Receiver<Standing>,
        meetings: watch::Sender<Timetable>,
        stop: CancellationToken,
    ) -> Result<(), UplinkError> {
        loop {
            let now = *standing.borrow_and_update();
            let uplink = self.uplink(now)?;
            tokio::select! {
                _ = uplink.run(self.spool.clone(), meetings.clone(), stop.clone()) => return Ok(()),
                // Dropped in the midst of whatever it does, as a cut line leaves it.
                Ok(()) = standing.changed() => {}
            }
        }
    }

    fn uplink(&self, now: Standing) -> Result<Uplink, UplinkError> {
        let mut identity = self.identity.clone();
        if now.cut {
            identity.collector.clone_from(&self.nowhere);
        }
        let uplink = Uplink::new(&identity, None, self.boot, Arc::clone(&self.counters))?;
        Ok(uplink.with_clock_off(now.clock_off))
    }
}
