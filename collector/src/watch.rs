//! Keeps inventory and calendar as their files say, without a restart: on SIGHUP and when their
//! content changes. A bad file leaves its part as it was and is said aloud.
//!
//! Files are looked at in intervals: change notices do not cross network shares, and editors
//! that save by renaming leave a watched file behind.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use wire::yaml::Faults;

use crate::fleet;
use crate::inventory::Inventory;
use crate::meetings::{self, Calendar};
use crate::telemetry::Telemetry;

mod calendar;
mod calm;
mod inventory;

/// Between two looks. A person who has saved waits about that long before wondering; a look is
/// one `stat` a file.
const LOOK: Duration = Duration::from_secs(2);

/// What one look found.
#[derive(Debug, PartialEq)]
struct Finding<T> {
    /// Whether content was judged, and whether all of it was good.
    judged: Option<bool>,
    /// What is new.
    new: Option<T>,
}

impl<T> Finding<T> {
    const NOTHING: Self = Self { judged: None, new: None };
}

/// The files, and what was last made of them.
#[derive(Debug)]
pub struct Watch {
    telemetry: Arc<Telemetry>,
    inventory: inventory::Follower,
    inventory_good: bool,
    calendar: Option<calendar::Follower>,
    calendar_good: bool,
}

impl Watch {
    /// Reads everything for the first time.
    ///
    /// # Errors
    /// All faults of the inventory; without a first one there is nothing to fall back on. Faults
    /// of calendars are said and leave the good ones.
    pub fn begin(
        inventory: &Path,
        calendars: Option<&Path>,
        telemetry: Arc<Telemetry>,
    ) -> Result<(Inventory, Calendar, Self), Faults> {
        let (expected, inventory) = inventory::Follower::begin(inventory)?;
        let mut calendar = calendars.map(calendar::Follower::new);
        let found = calendar.as_mut().map_or(Finding::NOTHING, calendar::Follower::reload);
        let calendar_good = found.judged.unwrap_or(true);
        let watch = Self { telemetry, inventory, inventory_good: true, calendar, calendar_good };
        watch.tell();
        Ok((expected, found.new.unwrap_or_default(), watch))
    }

    /// Follows the files until stopped.
    ///
    /// # Errors
    /// Where the system does not let it listen for SIGHUP.
    pub async fn run(
        mut self,
        fleet: Arc<fleet::Shared>,
        plan: Arc<meetings::Shared>,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = hangup.recv() => true,
                _ = looks.tick() => false,
            };
            let (fleet, plan) = (Arc::clone(&fleet), Arc::clone(&plan));
            // A share that hangs holds up this look and nothing else.
            let look = tokio::task::spawn_blocking(move || {
                let (inventory, calendar) = self.look(asked);
                if let Some(inventory) = inventory {
                    fleet.lock().set_inventory(&inventory);
                    plan.set_inventory(Arc::new(inventory));
                }
                if let Some(calendar) = calendar {
                    plan.set_calendar(calendar);
                }
                self
            });
            self = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                watch = look => watch?,
            };
        }
    }

    /// Looks whether anything has changed, or reads all because somebody asked and then says
    /// faults even if they were said before.
    fn look(&mut self, asked: bool) -> (Option<Inventory>, Option<Calendar>) {
        let inventory = if asked { self.inventory.reload() } else { self.inventory.look() };
        let calendar = match &mut self.calendar {
            Some(calendar) if asked => calendar.reload(),
            Some(calendar) => calendar.look(),
            None => Finding::NOTHING,
        };
        self.inventory_good = inventory.judged.unwrap_or(self.inventory_good);
        self.calendar_good = calendar.judged.unwrap_or(self.calendar_good);
        if inventory.judged.or(calendar.judged).is_some() {
            self.tell();
        }
        (inventory.new, calendar.new)
    }

    fn tell(&self) {
        let good = self.inventory_good && self.calendar_good;
        self.telemetry.config_last_reload_successful.set(i64::from(good));
        if good {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.telemetry.config_last_reload_success_timestamp_seconds.set(now.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests;
