//! Keeps inventory, calendar, absences and profiles as their files say, without a restart: on SIGHUP and when
//! their content changes. A bad file leaves its part as it was and is said aloud.
//!
//! Files are looked at in intervals: change notices do not cross network shares, and editors
//! that save by renaming leave a watched file behind.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use wire::yaml::Faults;

use crate::absences::Absence;
use crate::config::Config;
use crate::inventory::Inventory;
use crate::meetings::{self, Calendar};
use crate::polling::Inbox;
use crate::profiles::{self, Profiles};
use crate::telemetry::Telemetry;
use crate::{absences as excused, fleet};

mod calendar;
mod calm;
mod inventory;
mod single;

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
    calendar: calendar::Follower,
    absences: Option<single::Follower<Vec<Absence>>>,
    profiles: Option<single::Follower<Profiles>>,
    /// Whether inventory, calendar, absences and profiles were good when they were last judged.
    good: [bool; 4],
}

/// What is new.
#[derive(Debug, Default, PartialEq)]
pub struct News {
    /// The sites.
    pub inventory: Option<Inventory>,
    /// The meetings.
    pub calendar: Option<Calendar>,
    /// Who is excused.
    pub absences: Option<Vec<Absence>>,
    /// What sites are to run.
    pub profiles: Option<Profiles>,
}

/// Whom the news reach.
#[derive(Debug, Clone)]
pub struct Readers {
    /// What is known of the sites.
    pub fleet: Arc<fleet::Shared>,
    /// What is expected of them.
    pub plan: Arc<meetings::Shared>,
    /// Who is excused.
    pub absences: Arc<excused::Shared>,
    /// What sites are to run.
    pub profiles: Arc<profiles::desk::Desk>,
}

impl Readers {
    fn take(&self, news: News) {
        if let Some(inventory) = news.inventory {
            self.fleet.lock().set_inventory(&inventory);
            self.plan.set_inventory(Arc::new(inventory));
        }
        if let Some(calendar) = news.calendar {
            self.plan.set_calendar(calendar);
        }
        if let Some(absences) = news.absences {
            self.absences.set_file(absences);
        }
        if let Some(profiles) = news.profiles {
            self.profiles.set_file(profiles);
        }
    }
}

impl Watch {
    /// Reads everything for the first time.
    ///
    /// # Errors
    /// All faults of the inventory; without a first one there is nothing to fall back on. Faults
    /// of calendars and absences are said and leave the good ones.
    pub fn begin(
        config: &Config,
        inbox: Arc<Inbox>,
        telemetry: Arc<Telemetry>,
    ) -> Result<(Inventory, News, Self), Faults> {
        let (expected, inventory) = inventory::Follower::begin(&config.inventory)?;
        let calendar = calendar::Follower::new(config.meetings.as_deref(), inbox);
        let follow = |path| single::Follower::new("absences", path, excused::parse);
        let absences = config.absences.as_deref().map(follow);
        let follow = |path| single::Follower::new("profiles", path, profiles::parse);
        let profiles = config.profiles.as_deref().map(follow);
        let good = [true; 4];
        let mut watch = Self { telemetry, inventory, calendar, absences, profiles, good };
        let calendar = watch.calendar.reload();
        let absences = look_at(&mut watch.absences, true);
        let profiles = look_at(&mut watch.profiles, true);
        let news = watch.judge(Finding::NOTHING, calendar, absences, profiles);
        watch.tell();
        Ok((expected, news, watch))
    }

    /// Follows the files until stopped.
    ///
    /// # Errors
    /// Where the system does not let it listen for SIGHUP.
    pub async fn run(mut self, readers: Readers, stop: CancellationToken) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = hangup.recv() => true,
                _ = looks.tick() => false,
            };
            let readers = readers.clone();
            // A share that hangs holds up this look and nothing else.
            let look = tokio::task::spawn_blocking(move || {
                let news = self.look(asked);
                readers.take(news);
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
    fn look(&mut self, asked: bool) -> News {
        let inventory = if asked { self.inventory.reload() } else { self.inventory.look() };
        let calendar = if asked { self.calendar.reload() } else { self.calendar.look() };
        let absences = look_at(&mut self.absences, asked);
        let profiles = look_at(&mut self.profiles, asked);
        self.judge(inventory, calendar, absences, profiles)
    }

    fn judge(
        &mut self,
        inventory: Finding<Inventory>,
        calendar: Finding<Calendar>,
        absences: Finding<Vec<Absence>>,
        profiles: Finding<Profiles>,
    ) -> News {
        let judged = [inventory.judged, calendar.judged, absences.judged, profiles.judged];
        for (good, judged) in self.good.iter_mut().zip(judged) {
            *good = judged.unwrap_or(*good);
        }
        if judged.iter().any(Option::is_some) {
            self.tell();
        }
        News {
            inventory: inventory.new,
            calendar: calendar.new,
            absences: absences.new,
            profiles: profiles.new,
        }
    }

    fn tell(&self) {
        let good = self.good.iter().all(|good| *good);
        self.telemetry.config_last_reload_successful.set(i64::from(good));
        if good {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.telemetry.config_last_reload_success_timestamp_seconds.set(now.as_secs_f64());
        }
    }
}

/// A look at a file that the configuration may not name, or its content because somebody asked.
fn look_at<T>(follower: &mut Option<single::Follower<T>>, asked: bool) -> Finding<T> {
    match follower {
        Some(follower) if asked => follower.reload(),
        Some(follower) => follower.look(),
        None => Finding::NOTHING,
    }
}

#[cfg(test)]
mod tests;
