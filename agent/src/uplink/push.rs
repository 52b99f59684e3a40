//! One push: a batch out, its answer read, its reports settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, io};

use tokio::sync::watch;
use uuid::Uuid;
use wire::enrolment::Dismissal;
use wire::limits::VERSION;
use wire::packing::DICTIONARY;
use wire::{Answer, Batch, UnixMillis};

use super::class::{Class, Raw, classify};
use super::client::{Client, Failed};
use super::settlement::{printable, settle};
use super::{BATCH_BYTES, Cause, Counters};
use crate::cadence::Timetable;
use crate::contact::{Contact, Notebook};
use crate::platform;
use crate::profile;
use crate::run::unix_ms;
use crate::spool::{self, Key, SpoolError, Stored};
use crate::update;

/// Of zstd. With the dictionary a report of a dozen probes is a tenth smaller than at level 3;
/// 19 saves a little more for a hundred times the time and megabytes of tables.
const LEVEL: i32 = 6;

/// A clock that is further off is said in the log; the collector corrects it anyway.
const CLOCK_OFF: UnixMillis = 60_000;

/// A collector that was started again hears it within the hour; each time costs 20 bytes.
const INTRODUCE_EVERY_MS: u64 = 3_600_000;

/// Sends batches and settles them.
#[derive(Debug)]
pub(super) struct Push {
    client: Client,
    boot: Uuid,
    counters: Arc<Counters>,
    spool: spool::Handle,
    meetings: watch::Sender<Timetable>,
    clock_told: AtomicBool,
    /// When the collector answered last, on the monotonic clock.
    answered_at: AtomicU64,
    /// When the collector last heard this PC's name, on the monotonic clock; 0 is never.
    introduced_at: AtomicU64,
    /// What this agent's clock is ahead of the PC's; 0 but for simulated agents.
    clock_off: UnixMillis,
    notebook: Option<Notebook>,
    profile: Option<profile::Ends>,
    update: Option<update::Ends>,
}

/// A push that did not settle everything it carried.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) cause: Cause,
    /// What the collector asked for in `Retry-After`.
    pub(super) asked: Option<Duration>,
    /// Who is the site now, if it is another PC.
    pub(super) dismissed: Option<Dismissal>,
    detail: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.label(), self.detail)
    }
}

impl Trouble {
    fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, asked: None, dismissed: None, detail: detail.into() }
    }
}

impl From<SpoolError> for Trouble {
    fn from(error: SpoolError) -> Self {
        Self::new(Cause::Spool, error.to_string())
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        Self::new(failed.cause, failed.detail)
    }
}

impl Push {
    pub(super) fn new(
        client: Client,
        boot: Uuid,
        counters: Arc<Counters>,
        spool: spool::Handle,
        meetings: watch::Sender<Timetable>,
    ) -> Self {
        let (clock_told, answered_at) = (AtomicBool::new(false), AtomicU64::new(0));
        Self {
            client,
            boot,
            counters,
            spool,
            meetings,
            clock_told,
            answered_at,
            introduced_at: AtomicU64::new(0),
            clock_off: 0,
            notebook: None,
            profile: None,
            update: None,
        }
    }

    pub(super) fn with_clock_off(self, clock_off: UnixMillis) -> Self {
        Self { clock_off, ..self }
    }

    pub(super) fn noting(self, notebook: Option<Notebook>) -> Self {
        Self { notebook, ..self }
    }

    pub(super) fn following(self, profile: Option<profile::Ends>) -> Self {
        Self { profile, ..self }
    }

    pub(super) fn updating(self, update: Option<update::Ends>) -> Self {
        Self { update, ..self }
    }

    fn clock(&self) -> UnixMillis {
        unix_ms().saturating_add(self.clock_off)
    }

    /// What is known of the site's meetings, and when it changes.
    pub(super) fn meetings(&self) -> watch::Receiver<Timetable> {
        self.meetings.subscribe()
    }

    /// When the collector answered last, on the monotonic clock.
    pub(super) fn answered_at(&self) -> u64 {
        self.answered_at.load(Ordering::Relaxed)
    }

    /// A sign of life without a report.
    pub(super) async fn beat(&self, timeout: Duration) -> Result<(), Trouble> {
        let beat = match self.send(&[], timeout).await {
            Ok((_, Class::Answered(_))) => Ok(()),
            Ok((told, Class::RefusedForGood)) => Err(Trouble::new(Cause::Refusal, told)),
            Ok((told, Class::Retry(cause, asked))) => {
                Err(Trouble { asked, ..Trouble::new(cause, told) })
            }
            Ok((told, Class::Credential)) => Err(Trouble::new(Cause::Credential, told)),
            Ok((told, Class::Replaced(_))) => Err(Trouble::new(Cause::Replaced, told)),
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = &beat {
            self.counters.failed(trouble.cause);
        }
        beat
    }

    pub(super) fn spool(&self) -> &spool::Handle {
        &self.spool
    }

    /// Sends the newest reports; tells how many there were.
    pub(super) async fn newest(&self, most: usize, timeout: Duration) -> Result<usize, Trouble> {
        let reports = self.spool.newest(most, BATCH_BYTES).await;
        self.carry(reports, timeout).await
    }

    /// Sends the oldest reports; tells how many there were.
    pub(super) async fn oldest(&self, most: usize, timeout: Duration) -> Result<usize, Trouble> {
        let mut reports = self.spool.oldest(most, BATCH_BYTES).await;
        if let Ok(reports) = &mut reports {
            // A batch is newest first.
            reports.reverse();
        }
        self.carry(reports, timeout).await
    }

    async fn carry(
        &self,
        reports: Result<Vec<Stored>, SpoolError>,
        timeout: Duration,
    ) -> Result<usize, Trouble> {
        let carried = match reports {
            Ok(reports) => self.all(&reports, timeout).await,
            Err(error) => Err(error.into()),
        };
        if let Err(trouble) = &carried {
            self.counters.failed(trouble.cause);
        }
        carried
    }

    /// Sends `reports` in one batch; one that is refused for good is halved until the poisoned
    /// report is alone, so that it takes nobody with it.
    async fn all(&self, reports: &[Stored], timeout: Duration) -> Result<usize, Trouble> {
        let mut parts = vec![reports];
        let mut suspects = Vec::new();
        let mut understood = false;
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            let (told, class) = self.send(part, timeout).await?;
            match (class, part) {
                (Class::Answered(answer), _) => {
                    understood = true;
                    self.settle(part, &answer).await?;
                }
                (Class::RefusedForGood, [report]) => suspects.push((report.key(), told)),
                (Class::RefusedForGood, _) => {
                    self.counters.failed(Cause::Refusal);
                    let (newer, older) = part.split_at(part.len() / 2);
                    parts.extend([older, newer]);
                }
                (Class::Retry(cause, asked), _) => {
                    return Err(Trouble { asked, ..Trouble::new(cause, told) });
                }
                (Class::Credential, _) => return Err(Trouble::new(Cause::Credential, told)),
                (Class::Replaced(dismissal), _) => {
                    let dismissed = Some(dismissal);
                    return Err(Trouble { dismissed, ..Trouble::new(Cause::Replaced, told) });
                }
            }
        }
        self.drop_poisoned(&suspects, understood).await?;
        Ok(reports.len())
    }

    /// Drops what was refused alone, provided the collector took something else in the same push.
    /// One that takes nothing at all does not understand this agent (an older version, somebody
    /// else's service): then it is not the reports that are at fault, and all of them stay.
    async fn drop_poisoned(
        &self,
        suspects: &[(Key, String)],
        understood: bool,
    ) -> Result<(), Trouble> {
        let Some((_, told)) = suspects.first() else { return Ok(()) };
        if !understood {
            return Err(Trouble::new(Cause::Refusal, told));
        }
        let keys: Vec<Key> = suspects.iter().map(|(key, _)| *key).collect();
        for _ in &keys {
            self.counters.failed(Cause::Refusal);
        }
        say_refused(&keys, Some(told));
        Ok(self.spool.settle(Vec::new(), keys).await?)
    }

    /// One request; what was answered in words and in meaning.
    async fn send(
        &self,
        reports: &[Stored],
        timeout: Duration,
    ) -> Result<(String, Class), Trouble> {
        let sent_at = self.clock();
        let body = self
            .body(reports, sent_at)
            .map_err(|error| Trouble::new(Cause::Spool, error.to_string()))?;
        self.counters.sent(body.len());
        let raw = self.client.post(body, timeout).await?;
        let class = classify(&raw);
        if let Class::Answered(answer) = &class {
            let uptime = platform::monotonic_ms();
            self.answered_at.store(uptime, Ordering::Relaxed);
            if self.introduces(uptime) {
                self.introduced_at.store(uptime.max(1), Ordering::Relaxed);
            }
            if let Some(notebook) = &self.notebook {
                notebook.note(Contact { at: answer.now, here: unix_ms() }, uptime);
            }
            self.compare_clocks(i64::midpoint(sent_at, self.clock()), answer.now);
            self.follow(answer);
        }
        Ok((told(&raw), class))
    }

    /// Whether this batch says the PC's name: the first of each hour that is answered.
    fn introduces(&self, uptime: u64) -> bool {
        let answered = self.introduced_at.load(Ordering::Relaxed);
        answered == 0 || uptime >= answered.saturating_add(INTRODUCE_EVERY_MS)
    }

    fn body(&self, reports: &[Stored], sent_at: UnixMillis) -> io::Result<Vec<u8>> {
        let uptime = platform::monotonic_ms();
        let again = self.meetings.borrow().at(uptime).heartbeat();
        let batch = Batch {
            version: VERSION,
            sent_at,
            boot: Some(self.boot),
            uptime_ms: Some(uptime),
            pc: self.introduces(uptime).then(|| platform::hostname().into()),
            again_ms: again.and_then(|again| u64::try_from(again.as_millis()).ok()),
            profile: self.profile.as_ref().map(|ends| ends.standing.borrow().clone()),
            update: self.update.as_ref().map(|ends| ends.standing.borrow().clone()),
            reports: reports.iter().map(|report| &*report.json).collect(),
        };
        // Made anew for each push: kept, its tables would be a tenth of the agent's memory.
        let mut packer = zstd::bulk::Compressor::with_dictionary(LEVEL, DICTIONARY)?;
        packer.compress(&serde_json::to_vec(&batch)?)
    }

    async fn settle(&self, sent: &[Stored], answer: &Answer) -> Result<(), Trouble> {
        let keys: Vec<Key> = sent.iter().map(Stored::key).collect();
        let settlement = settle(&keys, answer);
        say_refused(&settlement.refused, settlement.reason.as_deref());
        if let Some(ends) = &self.update
            && settlement.accepted.iter().any(|(boot, _)| *boot == self.boot)
        {
            ends.accepted.send_replace(true);
        }
        self.spool.settle(settlement.accepted, settlement.refused).await?;
        if settlement.left > 0 {
            let detail = format!("{} of {} reports were not settled", settlement.left, sent.len());
            return Err(Trouble::new(Cause::Answer, detail));
        }
        Ok(())
    }

    /// Hands on when the site meets next and what it should run, where that is news.
    fn follow(&self, answer: &Answer) {
        if let Some(ends) = &self.profile {
            hand_on(&ends.offered, answer.profile.as_deref());
        }
        if let Some(ends) = &self.update {
            hand_on(&ends.offered, answer.update.as_deref());
        }
        let uptime = platform::monotonic_ms();
        let told = Timetable::new(answer.meeting.as_ref(), answer.now, uptime);
        self.meetings.send_if_modified(|known| {
            let news = known.heed(&told);
            if news {
                tracing::info!(cadence = ?told.at(uptime), meeting = ?answer.meeting, "the next meeting");
            }
            news
        });
    }

    /// Says once that the PC's clock is off, and again when it was right in between.
    fn compare_clocks(&self, ours: UnixMillis, theirs: UnixMillis) {
        let offset = ours.saturating_sub(theirs);
        let off = offset.saturating_abs() > CLOCK_OFF;
        if off && !self.clock_told.swap(off, Ordering::Relaxed) {
            tracing::warn!(
                seconds = offset / 1000,
                "this PC's clock differs from the collector's; reports are dated by the collector's"
            );
        }
        self.clock_told.store(off, Ordering::Relaxed);
    }
}

/// Hands on what an answer offers, where that is news.
fn hand_on(to: &watch::Sender<Option<Box<str>>>, offered: Option<&str>) {
    to.send_if_modified(|known| {
        let news = known.as_deref() != offered;
        if news {
            *known = offered.map(Into::into);
        }
        news
    });
}

fn say_refused(keys: &[Key], reason: Option<&str>) {
    if let [(boot, seq), ..] = keys {
        let (reports, reason) = (keys.len(), reason.unwrap_or_default());
        tracing::error!(reports, %boot, seq, reason, "refused for good, dropped and counted");
    }
}

/// An answer for the log.
fn told(raw: &Raw) -> String {
    let body = printable(&String::from_utf8_lossy(&raw.body));
    format!("the collector answered {}: {body}", raw.status)
}
