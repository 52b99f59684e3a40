//! `POST /v1/reports`: the request, and the answer that settles each report by itself.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::UnixMillis;
use crate::limits::REPORTS_PER_BATCH;
use crate::profile::Standing;
use crate::update;

/// What an agent sends: reports, newest first.
///
/// `R` is a [`crate::Report`], or its text where it should stay one: an agent's spool already
/// holds text, and of a batch with a broken report the collector reads each by itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
pub struct Batch<R> {
    /// [`crate::limits::VERSION`].
    pub version: u32,
    /// When the batch left, by the agent's own clock: against the collector's clock it gives the
    /// agent's offset.
    pub sent_at: UnixMillis,
    /// The sending agent's boot: reports of the same boot are dated by `uptime_ms` alone, so
    /// that a clock set right in between does no harm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Uuid>,
    /// `sent_at` on the agent's monotonic clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// Within which the agent promises to be heard again, in milliseconds; absent where it
    /// promises nothing. A batch without reports is such a sign of life if it names its boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_ms: Option<u64>,
    /// The sending PC's name for itself, now and then: for people who must find the PC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pc: Option<Box<str>>,
    /// What the agent runs of the collector's profiles; absent where it knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Standing>,
    /// How it stands with updates of itself; absent where it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<update::Standing>,
    /// The reports. Of too many, one more than [`REPORTS_PER_BATCH`] is read, so that it shows and
    /// costs no memory.
    #[serde(deserialize_with = "bounded_reports")]
    pub reports: Vec<R>,
}

fn bounded_reports<'de, D, R>(deserializer: D) -> Result<Vec<R>, D::Error>
where
    D: Deserializer<'de>,
    R: Deserialize<'de>,
{
    struct Reports<R>(PhantomData<R>);
    impl<'de, R: Deserialize<'de>> Visitor<'de> for Reports<R> {
        type Value = Vec<R>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of reports")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Self::Value, A::Error> {
            let mut reports = Vec::new();
            while reports.len() <= REPORTS_PER_BATCH
                && let Some(report) = texts.next_element()?
            {
                reports.push(report);
            }
            while texts.next_element::<IgnoredAny>()?.is_some() {}
            Ok(reports)
        }
    }
    deserializer.deserialize_seq(Reports(PhantomData))
}

/// What the collector answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The collector's time.
    pub now: UnixMillis,
    /// Reports that are safe with the collector, whether they came now or before.
    pub accepted: Vec<(Uuid, u64)>,
    /// Reports that will never be accepted; the agent drops and counts them.
    #[serde(default)]
    pub refused: Vec<Refusal>,
    /// The etag of the profile this agent should run, once there is one.
    #[serde(default)]
    pub profile: Option<Box<str>>,
    /// The id of the manifest of the update this agent should take, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Box<str>>,
    /// The site's next meeting, once there is one.
    #[serde(default)]
    pub meeting: Option<NextMeeting>,
}

/// A report refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its place in the batch, from 0: a report too broken to say its number has only this.
    pub index: usize,
    /// Its boot, where it could be read.
    pub boot: Option<Uuid>,
    /// Its number, where it could be read.
    pub seq: Option<u64>,
    /// Why, in ASCII English for the agent's log.
    pub reason: Box<str>,
}

/// A meeting as its site needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextMeeting {
    /// The occurrence, `giao-ban-tuan@2026-11-23T07:30`.
    pub id: Box<str>,
    /// When it starts.
    pub start: UnixMillis,
    /// When it ends.
    pub end: UnixMillis,
}

impl NextMeeting {
    /// Whether it runs or is so near at `now` that nothing is tried on its sites
    /// ([`NEAR_MEETING_MILLIS`](update::NEAR_MEETING_MILLIS)).
    #[must_use]
    pub fn is_near(&self, now: UnixMillis) -> bool {
        let near = i64::try_from(update::NEAR_MEETING_MILLIS).unwrap_or(i64::MAX);
        self.start - now < near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_reports_no_more_is_kept_than_shows_it() {
        for (sent, kept) in [(0, 0), (REPORTS_PER_BATCH, 500), (100_000, 501)] {
            let reports = vec!["{}"; sent].join(",");
            let body = format!(r#"{{"version":1,"sent_at":0,"reports":[{reports}]}}"#);
            let batch: Batch<&serde_json::value::RawValue> = serde_json::from_str(&body).unwrap();
            assert_eq!(batch.reports.len(), kept);
        }
    }
}
