//! A UPS with a network card: the UPS-MIB (RFC 1628), under 1.3.6.1.2.1.33.1.

use async_snmp::{Oid, Value};
use wire::Cause;
use wire::reading::Failure;

use super::super::snmp::{Refused, Session, oid};
use super::Said;

/// Alarms of one UPS that are read: the standard knows 24.
const ALARMS: usize = 24;

const NAME: &[u32] = &[1, 5, 0];
const MODEL: &[u32] = &[1, 2, 0];
const BATTERY_STATUS: &[u32] = &[2, 1, 0];
const MINUTES_REMAINING: &[u32] = &[2, 3, 0];
const CHARGE: &[u32] = &[2, 4, 0];
const OUTPUT_SOURCE: &[u32] = &[4, 1, 0];
const LOADS: [&[u32]; 3] = [&[4, 4, 1, 5, 1], &[4, 4, 1, 5, 2], &[4, 4, 1, 5, 3]];
/// upsAlarmDescr, and the well-known alarms it names.
const ALARM_KINDS: &[u32] = &[6, 2, 1, 2];
const KNOWN_ALARMS: &[u32] = &[6, 3];

fn ups(below: &[u32]) -> Oid {
    oid(&[&[1, 3, 6, 1, 2, 1, 33, 1], below].concat())
}

/// Asks for the state of the one UPS a card is in; `None` where it has no UPS-MIB.
pub(super) async fn ask(session: &Session) -> Result<Result<Option<Said>, Refused>, Failure> {
    let scalars = [NAME, MODEL, BATTERY_STATUS, MINUTES_REMAINING, CHARGE, OUTPUT_SOURCE];
    let oids: Vec<Oid> = scalars.into_iter().chain(LOADS).map(ups).collect();
    let values = match session.get(&oids).await? {
        Ok(values) => values,
        Err(refused) => return Ok(Err(refused)),
    };
    let alarms = session.column(&ups(ALARM_KINDS), ALARMS).await?;
    let alarms: Vec<u32> = alarms.iter().filter_map(|(_, value)| known_alarm(value)).collect();
    Ok(Ok(of_values(&values, &alarms)))
}

fn known_alarm(value: &Value) -> Option<u32> {
    match value.as_oid()?.arcs().strip_prefix(ups(KNOWN_ALARMS).arcs())? {
        [number] => Some(*number),
        _ => None,
    }
}

fn of_values(values: &[Option<Value>], alarms: &[u32]) -> Option<Said> {
    let value = |at: usize| values.get(at)?.as_ref();
    let number = |at: usize| value(at)?.as_f64();
    let text = |at: usize| {
        let text = value(at)?.as_str()?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let source = value(5)?.as_i32()?;
    let mains = match source {
        // Normal, bypass, booster and reducer all take their power from the mains.
        3 | 4 | 6 | 7 => Some(true),
        5 => Some(false),
        _ => None,
    };
    let loads = (6..values.len()).filter_map(number);
    Some(Said {
        name: text(0).or_else(|| text(1)).unwrap_or_else(|| "ups".to_owned()),
        status: source_word(source).to_owned(),
        mains,
        charge: number(4).map(|percent| percent / 100.0),
        load: loads.reduce(f64::max).map(|percent| percent / 100.0),
        runtime_seconds: number(3).map(|minutes| minutes * 60.0),
        troubles: troubles(source, value(2).and_then(Value::as_i32), mains, alarms),
    })
}

/// upsOutputSource.
fn source_word(source: i32) -> &'static str {
    match source {
        2 => "output off",
        3 => "normal",
        4 => "bypass",
        5 => "battery",
        6 => "booster",
        7 => "reducer",
        _ => "other",
    }
}

fn troubles(
    source: i32,
    battery: Option<i32>,
    mains: Option<bool>,
    alarms: &[u32],
) -> Vec<(Cause, String)> {
    let mut found = Vec::new();
    let mut add = |cause: Cause, detail: &str| {
        if found.iter().all(|(other, _)| *other != cause) {
            found.push((cause, detail.to_owned()));
        }
    };
    match source {
        2 => add(Cause::SwitchedOff, source_word(source)),
        4 => add(Cause::OnBypass, source_word(source)),
        _ => {}
    }
    // Low (3) or depleted (4) while it charges again is no worry.
    if matches!(battery, Some(3 | 4)) && mains != Some(true) {
        add(Cause::BatteryEmpty, "battery low");
    }
    for alarm in alarms {
        match alarm {
            1 => add(Cause::BatteryWorn, "battery bad"),
            8 => add(Cause::UpsOverloaded, "overload"),
            9 => add(Cause::OnBypass, "on bypass"),
            13 => add(Cause::WarningReported, "charger failed"),
            16 => add(Cause::WarningReported, "fan failed"),
            17 => add(Cause::WarningReported, "fuse blown"),
            18 => add(Cause::WarningReported, "general fault"),
            20 => add(Cause::OutOfTouch, "communications lost"),
            22 | 23 => add(Cause::BatteryEmpty, "shutdown pending"),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::snmp;

    #[test]
    fn the_table_of_the_standard_is_read() {
        use Cause::{
            BatteryEmpty, BatteryWorn, OnBypass, OutOfTouch, SwitchedOff, UpsOverloaded,
            WarningReported,
        };
        let cases: [(_, _, &[u32], _, &[Cause]); 9] = [
            (3, 2, &[], Some(true), &[]),
            (3, 3, &[2, 3], Some(true), &[]),
            (5, 2, &[2], Some(false), &[]),
            (5, 3, &[2, 3], Some(false), &[BatteryEmpty]),
            (5, 4, &[22], Some(false), &[BatteryEmpty]),
            (4, 2, &[9], Some(true), &[OnBypass]),
            (2, 2, &[], None, &[SwitchedOff]),
            (6, 2, &[1, 8, 13, 16], Some(true), &[BatteryWorn, UpsOverloaded, WarningReported]),
            (1, 1, &[20], None, &[OutOfTouch]),
        ];
        for (source, battery, alarms, mains, causes) in cases {
            let values = [
                None,
                Some(Value::OctetString("Smart-UPS".into())),
                Some(Value::Integer(battery)),
                Some(Value::Integer(42)),
                Some(Value::Integer(97)),
                Some(Value::Integer(source)),
                Some(Value::Integer(23)),
            ];
            let said = of_values(&values, alarms).unwrap();
            assert_eq!((said.name.as_str(), said.mains), ("Smart-UPS", mains));
            assert_eq!((said.charge, said.load), (Some(0.97), Some(0.23)));
            assert_eq!(said.runtime_seconds, Some(2520.0));
            let found: Vec<_> = said.troubles.iter().map(|(cause, _)| *cause).collect();
            assert_eq!(found, causes, "{source} {battery} {alarms:?}");
        }
    }

    #[test]
    fn what_has_no_output_is_no_ups() {
        assert_eq!(of_values(&vec![None; 9], &[]), None);
        assert_eq!(of_values(&[], &[]), None);
    }

    #[test]
    fn nothing_like_the_values_of_a_ups_is_too_strange() {
        let values: [&[u8]; 7] = [
            b"\x04\x04room",
            b"\x04\x09Smart-UPS",
            b"\x02\x01\x02",
            b"\x02\x01\x2A",
            b"\x02\x01\x61",
            b"\x02\x01\x05",
            b"\x42\x01\x17",
        ];
        snmp::tests::nothing_is_too_strange(&values, |values| {
            let alarms: Vec<u32> = values.iter().flatten().filter_map(known_alarm).collect();
            of_values(values, &alarms)
        });
    }
}
