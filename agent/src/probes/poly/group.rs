//! `RealPresence` Group and Debut over SNMP: POLYCOM-ENDPOINT-MIB, under
//! 1.3.6.1.4.1.13885.101.1, where every status is disabled (1), ok (2) or failed (3).

use async_snmp::{Oid, Value};
use wire::Cause;
use wire::reading::{Failure, Reason};

use super::super::codec::{Channel, Finding, Ladder, Media, Status};
use super::super::snmp::{Refused, Session, oid};

/// Calls of one codec at a time: the largest bridges eight.
const CALLS: usize = 8;

const SOFTWARE: &[u32] = &[1, 1, 0];
const MODEL: &[u32] = &[1, 4, 0];
const GATEKEEPER: &[u32] = &[2, 7, 2, 0];
const SIP: &[u32] = &[2, 8, 3, 1, 2, 1];
const MICROPHONES: &[u32] = &[3, 5, 1, 0];
const CAMERAS: &[u32] = &[3, 6, 1, 0];
const HARDWARE: &[u32] = &[3, 1, 0];
const CONFERENCES: &[u32] = &[5, 1, 0];
/// Columns of the calls' table, receive and transmit: percent lost, jitter in milliseconds.
const LOSSES: [(u32, &str); 2] = [(16, "receive"), (17, "transmit")];
const JITTERS: [(u32, &str); 2] = [(20, "receive"), (21, "transmit")];

fn endpoint(below: &[u32]) -> Oid {
    oid(&[&[1, 3, 6, 1, 4, 1, 13_885, 101, 1], below].concat())
}

/// Asks for everything.
pub(super) async fn ask(session: &Session) -> Result<Result<Status, Refused>, Failure> {
    let scalars = [SOFTWARE, MODEL, GATEKEEPER, SIP, MICROPHONES, CAMERAS, HARDWARE, CONFERENCES]
        .map(endpoint);
    let values = match session.get(&scalars).await? {
        Ok(values) => values,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(mut status) = judge(&values) else {
        let detail =
            format_args!("{} answers SNMP and knows no POLYCOM-ENDPOINT-MIB", session.server);
        return Err(Failure::new(Reason::Unexpected, detail));
    };
    if status.ladder.in_call == Some(true) {
        status.media = media(session).await?;
    }
    Ok(Ok(status))
}

/// Pure; `None` of a device that knows nothing of this MIB.
fn judge(values: &[Option<Value>]) -> Option<Status> {
    if values.iter().all(Option::is_none) {
        return None;
    }
    let value = |at: usize| values.get(at)?.as_ref();
    let state = |at: usize| value(at)?.as_i32();
    let text = |at: usize| Some(value(at)?.as_str()?.trim().to_owned());
    let mut findings = vec![Finding::good("codec")];
    let servers = [("H.323", state(2)), ("SIP", state(3))];
    let registered = if servers.iter().any(|(_, state)| *state == Some(2)) {
        Some(true)
    } else {
        let failed: Vec<&str> =
            servers.iter().filter(|(_, state)| *state == Some(3)).map(|(name, _)| *name).collect();
        if !failed.is_empty() {
            findings.push(Finding::wrong("codec", Cause::NotRegistered, failed.join(", ")));
        }
        (!failed.is_empty()).then_some(false)
    };
    for (part, at) in [("microphone", 4), ("camera", 5), ("codec", 6)] {
        match state(at) {
            Some(2) => findings.push(Finding::good(part)),
            Some(3) => findings.push(Finding::wrong(part, Cause::FaultReported, "failed")),
            _ => {}
        }
    }
    let in_call = value(7).and_then(Value::as_f64).map(|count| count > 0.0);
    Some(Status {
        product: text(1),
        version: text(0),
        uptime: None,
        ladder: Ladder { registered, in_call, ..Ladder::answered() },
        findings,
        media: Media::default(),
    })
}

async fn media(session: &Session) -> Result<Media, Failure> {
    let mut media = Media::default();
    for (column, direction) in LOSSES {
        for (_, value) in session.column(&endpoint(&[4, 1, 1, column]), CALLS).await? {
            let loss_ratio = number(&value).map(|percent| percent / 100.0);
            media.add("call", direction, Channel { loss_ratio, ..Channel::default() });
        }
    }
    for (column, direction) in JITTERS {
        for (_, value) in session.column(&endpoint(&[4, 1, 1, column]), CALLS).await? {
            let jitter_seconds = number(&value).map(|millis| millis / 1e3);
            media.add("call", direction, Channel { jitter_seconds, ..Channel::default() });
        }
    }
    Ok(media)
}

/// Some columns are numbers, some texts of them.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::snmp;

    #[test]
    fn the_states_of_the_mib_are_read() {
        let state = |state: i32| Some(Value::Integer(state));
        let values = |states: [i32; 5]| {
            let mut values = vec![
                Some(Value::OctetString("6.2.1-540239".into())),
                Some(Value::OctetString("RealPresence Group 500".into())),
            ];
            values.extend(states.map(state));
            values.push(Some(Value::Gauge32(1)));
            values
        };
        for (states, registered, troubles) in [
            ([2, 1, 2, 2, 2], Some(true), vec![]),
            ([3, 2, 2, 2, 2], Some(true), vec![]),
            ([3, 1, 2, 2, 2], Some(false), vec![Cause::NotRegistered]),
            ([1, 1, 3, 2, 3], None, vec![Cause::FaultReported, Cause::FaultReported]),
        ] {
            let status = judge(&values(states)).unwrap();
            assert_eq!(status.ladder.registered, registered, "{states:?}");
            assert_eq!(status.ladder.in_call, Some(true));
            assert_eq!(status.product.as_deref(), Some("RealPresence Group 500"));
            let found: Vec<_> = status.findings.iter().filter_map(|found| found.cause).collect();
            assert_eq!(found, troubles, "{states:?}");
        }
        assert_eq!(judge(&[None, None]), None);
    }

    #[test]
    fn nothing_like_the_values_of_a_codec_is_too_strange() {
        let values: [&[u8]; 8] = [
            b"\x04\x056.2.1",
            b"\x04\x09Group 500",
            b"\x02\x01\x03",
            b"\x02\x01\x02",
            b"\x02\x01\x02",
            b"\x02\x01\x03",
            b"\x02\x01\x02",
            b"\x42\x01\x01",
        ];
        snmp::tests::nothing_is_too_strange(&values, |values| {
            (judge(values), values.iter().flatten().filter_map(number).count())
        });
    }
}
