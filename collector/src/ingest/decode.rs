//! Reading a batch: the envelope as a whole, then each report by itself. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::limits::{ID_CHARS, REPORTS_PER_BATCH, TEXT_CHARS, VERSION};
use wire::profile::Standing;
use wire::update;
use wire::{Batch, Refusal, Report, UnixMillis};

use super::IngestError;
use super::validate::{Ignored, validate};

/// The longest name of a PC (RFC 1034 has 63 for a label, and one for the dot).
const PC_CHARS: usize = 64;

/// A batch whose reports were read and validated.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) envelope: Envelope,
    /// How the agent stands with its profile.
    pub(super) profile: Option<Standing>,
    /// How the agent stands with updates of itself.
    pub(super) update: Option<update::Standing>,
    /// The good ones, each with its place in the batch.
    pub(super) reports: Vec<(usize, Report)>,
    /// The others.
    pub(super) refused: Vec<Refusal>,
    /// Samples left out of the good ones.
    pub(super) ignored: Ignored,
}

/// What a batch says of itself; see [`wire::Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) sent_at: UnixMillis,
    pub(super) boot: Option<Uuid>,
    pub(super) uptime_ms: Option<u64>,
    pub(super) again_ms: Option<u64>,
    /// The PC's name; untrusted text, made harmless.
    pub(super) pc: Option<Box<str>>,
}

/// Reads an unpacked body: in one pass where every report in it can be read, else each report by
/// itself, because one broken report must never take its batch with it.
pub(super) fn decode(body: &[u8]) -> Result<Decoded, IngestError> {
    let not_a_batch = |error: &dyn std::fmt::Display| {
        IngestError::new(400, format!("not a batch: {}", ascii(&error)))
    };
    // Checked as a whole, its hundreds of texts need no checks of their own.
    let body = str::from_utf8(body).map_err(|error| not_a_batch(&error))?;
    if let Ok(batch) = serde_json::from_str::<Batch<Report>>(body) {
        return sift(batch, |_, report| Ok(report));
    }
    let batch: Batch<&RawValue> =
        serde_json::from_str(body).map_err(|error| not_a_batch(&error))?;
    sift(batch, |index, text| {
        serde_json::from_str(text.get()).map_err(|error| unread(index, text.get(), &error))
    })
}

/// Parts the good reports of a batch from the others.
fn sift<R>(
    batch: Batch<R>,
    read: impl Fn(usize, R) -> Result<Report, Refusal>,
) -> Result<Decoded, IngestError> {
    let Batch { version, sent_at, boot, uptime_ms, again_ms, pc, profile, update, reports } = batch;
    let pc = pc.map(|pc| pc.chars().filter(|c| !c.is_control()).take(PC_CHARS).collect());
    if version != VERSION {
        let reason = format!("version {version} of the protocol; this collector speaks {VERSION}");
        return Err(IngestError::new(400, reason));
    }
    if reports.len() > REPORTS_PER_BATCH {
        let reason = format!("more than {REPORTS_PER_BATCH} reports in a batch");
        return Err(IngestError::new(413, reason));
    }
    let mut decoded = Decoded {
        envelope: Envelope { sent_at, boot, uptime_ms, again_ms, pc },
        profile: profile.and_then(bounded),
        update: update.and_then(bounded_update),
        reports: Vec::with_capacity(reports.len()),
        refused: Vec::new(),
        ignored: Ignored::default(),
    };
    for (index, report) in reports.into_iter().enumerate() {
        let good = read(index, report).and_then(|mut report| {
            match validate(&mut report, &mut decoded.ignored) {
                Ok(()) => Ok(report),
                Err(reason) => {
                    let (boot, seq) = (Some(report.boot), Some(report.seq));
                    Err(Refusal { index, boot, seq, reason: ascii(&reason).into() })
                }
            }
        });
        match good {
            Ok(report) => decoded.reports.push((index, report)),
            Err(refusal) => decoded.refused.push(refusal),
        }
    }
    Ok(decoded)
}

/// What an agent says of its profile, if it is of a sane size: it is kept for every site.
fn bounded(mut standing: Standing) -> Option<Standing> {
    let short = |etag: &str| etag.len() <= ID_CHARS;
    let refused = standing.refused.as_mut();
    let fits = standing.running.as_deref().is_none_or(short)
        && refused.as_ref().is_none_or(|refused| short(&refused.etag));
    if let Some(refused) = refused {
        refused.reason = ascii(&refused.reason).into();
    }
    fits.then_some(standing)
}

/// What an agent says of updates of itself, if it is of a sane size: it is kept for every site.
fn bounded_update(mut standing: update::Standing) -> Option<update::Standing> {
    let short = |id: &str| id.len() <= ID_CHARS;
    let failed = standing.failed.as_mut();
    let fits = short(&standing.platform)
        && standing.running.as_deref().is_none_or(short)
        && standing.trying.as_deref().is_none_or(short)
        && failed.as_ref().is_none_or(|failed| short(&failed.id));
    if let Some(failed) = failed {
        failed.reason = ascii(&failed.reason).into();
    }
    fits.then_some(standing)
}

/// The refusal of a report that cannot be read, with its number where as much as that can be.
fn unread(index: usize, text: &str, error: &serde_json::Error) -> Refusal {
    #[derive(Default, Deserialize)]
    struct Boot {
        boot: Option<Uuid>,
    }
    #[derive(Default, Deserialize)]
    struct Seq {
        seq: Option<u64>,
    }
    let Boot { boot } = serde_json::from_str(text).unwrap_or_default();
    let Seq { seq } = serde_json::from_str(text).unwrap_or_default();
    Refusal { index, boot, seq, reason: ascii(error).into() }
}

/// A reason for an agent's log: what it quotes of a stranger's text is made harmless and short.
fn ascii(reason: &impl std::fmt::Display) -> String {
    reason.to_string().escape_default().take(TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Any JSON, the odd corners of numbers and texts included.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_report_only_that_report_suffers(
            place in prop::sample::select(vec![
                "/boot", "/seq", "/taken_at", "/uptime_ms", "/agent", "/agent/os", "/readings",
                "/readings/0", "/readings/0/probe", "/readings/0/kind", "/readings/0/every_ms",
                "/readings/0/age_ms", "/readings/0/failure", "/readings/0/samples",
                "/readings/0/samples/0", "/readings/0/samples/0/name",
                "/readings/0/samples/0/label", "/readings/0/samples/0/value",
            ]),
            value in anything(),
        ) {
            let good = json!({
                "boot": Uuid::nil(), "seq": 1, "taken_at": 0, "uptime_ms": 0,
                "agent": { "version": "", "os": "" },
                "readings": [{
                    "probe": "a", "kind": "a", "every_ms": 1, "age_ms": 0, "duration_us": 0,
                    "failure": null,
                    "samples": [{ "name": "bridge_host_cpus", "label": null, "value": 1 }],
                }],
            });
            let mut odd = good.clone();
            *odd.pointer_mut(place).unwrap() = value;
            let batch = json!({ "version": 1, "sent_at": 0, "reports": [good, odd, good] });
            let decoded = decode(batch.to_string().as_bytes()).unwrap();
            let places: Vec<_> = decoded.reports.iter().map(|(place, _)| *place).collect();
            prop_assert!(places == [0, 1, 2] || places == [0, 2]);
            prop_assert_eq!(decoded.reports.len() + decoded.refused.len(), 3);
        }

        #[test]
        fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&body).is_err());
        }
    }

    #[test]
    fn nothing_like_a_batch_is_too_strange() {
        let report = json!({
            "boot": Uuid::nil(), "seq": 1, "taken_at": 0, "uptime_ms": 0,
            "agent": { "version": "0.1.0", "os": "Windows 10" },
            "readings": [{
                "probe": "mcu", "kind": "icmp", "every_ms": 15_000, "age_ms": 0, "duration_us": 7,
                "failure": { "reason": "timeout", "detail": "no answer" },
                "samples": [
                    { "name": "bridge_host_cpus", "label": null, "value": 1 },
                    { "name": "bridge_device_state", "label": "C920", "value": "ok" },
                    { "name": "bridge_probe_rtt_seconds", "label": null,
                      "value": { "counts": [1, 2, 3], "sum": 0.5 } },
                ],
            }],
        });
        let batch = json!({ "version": 1, "sent_at": 0, "uptime_ms": 5, "again_ms": 15_000,
                            "reports": [report, report, {}] });
        let single = json!({ "version": 1, "sent_at": 0, "reports": [report] });
        crate::mutations::survives(&[batch.to_string(), single.to_string()], decode);
    }
}
