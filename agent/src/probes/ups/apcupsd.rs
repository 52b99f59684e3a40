//! apcupsd's Network Information Server (apcupsd manual, "NIS Network Server Protocol"): each
//! record with its length before it, a record of no length at the end.

use wire::Cause;
use wire::reading::{Failure, Reason};

use super::super::conversation::Conversation;
use super::super::path::Reader;
use super::Said;

/// apcupsd's own; not registered.
pub(super) const PORT: u16 = 3551;

const QUESTION: &[u8] = b"\0\x06status";

/// Awaits the answer to `status`.
struct Records;

impl Reader for Records {
    /// The records, a line each.
    type Answer = String;

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let mut at = 0;
        while let Some([high, low]) = bytes.get(at..at + 2) {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            // The manual's longest is 256; what claims more speaks another protocol.
            if length > 1024 {
                return Err("this is no apcupsd".to_owned());
            }
            at += 2 + length;
            if length == 0 {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn read(&self, message: &[u8]) -> Option<String> {
        let mut text = String::new();
        let mut rest = message;
        while let Some(([high, low], after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
            let (record, next) = after.split_at(length);
            text.push_str(&String::from_utf8_lossy(record));
            rest = next;
        }
        Some(text)
    }
}

/// Asks for the state of the one UPS an apcupsd watches.
pub(super) async fn ask(conversation: &mut Conversation) -> Result<Said, Failure> {
    let records = conversation.ask(QUESTION, &Records).await?;
    of_records(&records).ok_or_else(|| {
        let first: String = records.lines().next().unwrap_or_default().chars().take(80).collect();
        let detail = format_args!("apcupsd at {}: {first:?} is no status", conversation.server);
        Failure::new(Reason::Protocol, detail)
    })
}

/// `STATUS   : ONLINE `, a line each.
fn of_records(records: &str) -> Option<Said> {
    let find = |key: &str| {
        let mut pairs = records.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().trim_matches('\0'))
    };
    // `23.0 Percent`, `42.0 Minutes`
    let number = |key: &str| find(key)?.split(' ').next()?.parse::<f64>().ok();
    let status = find("STATUS")?.to_owned();
    let name = find("UPSNAME").or_else(|| find("MODEL")).filter(|name| !name.is_empty());
    let name = name.unwrap_or("ups").to_owned();
    if status.split_whitespace().any(|token| token == "COMMLOST") {
        // Whatever else it tells is of a moment long gone.
        let troubles = vec![(Cause::OutOfTouch, status.clone())];
        return Some(Said { name, status, troubles, ..Said::default() });
    }
    Some(Said {
        name,
        mains: mains(&status),
        charge: number("BCHARGE").map(|percent| percent / 100.0),
        load: number("LOADPCT").map(|percent| percent / 100.0),
        runtime_seconds: number("TIMELEFT").map(|minutes| minutes * 60.0),
        troubles: status
            .split_whitespace()
            .filter_map(|token| Some((cause(token, &status)?, token.to_owned())))
            .collect(),
        status,
    })
}

fn mains(status: &str) -> Option<bool> {
    status.split_whitespace().find_map(|token| match token {
        "ONLINE" => Some(true),
        "ONBATT" => Some(false),
        _ => None,
    })
}

/// The words of apcupsd's `STATUS`; those that are not here mean no harm.
fn cause(token: &str, status: &str) -> Option<Cause> {
    Some(match token {
        "LOWBATT" if mains(status) != Some(true) => Cause::BatteryEmpty,
        "SHUTTING" => Cause::BatteryEmpty,
        "REPLACEBATT" | "NOBATT" => Cause::BatteryWorn,
        "OVERLOAD" => Cause::UpsOverloaded,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(records: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in records {
            bytes.extend(u16::try_from(record.len()).unwrap().to_be_bytes());
            bytes.extend(record.as_bytes());
        }
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn records_are_read_whole_or_not_at_all() {
        let whole = message(&["APC      : 001,019,0452\n", "STATUS   : ONLINE \n"]);
        for cut in 0..whole.len() {
            assert_eq!(Records.length(&whole[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(Records.length(&whole), Ok(Some(whole.len())));
        let text = Records.read(&whole).unwrap();
        assert_eq!(text, "APC      : 001,019,0452\nSTATUS   : ONLINE \n");
        assert!(Records.length(b"HTTP/1.1 400").is_err());
    }

    #[test]
    fn a_status_means_what_the_manual_says() {
        use Cause::{BatteryEmpty, BatteryWorn, OutOfTouch, UpsOverloaded};
        let cases: [(_, _, _, &[Cause]); 7] = [
            ("ONLINE", Some(true), Some(0.97), &[]),
            ("ONLINE LOWBATT", Some(true), Some(0.97), &[]),
            ("ONBATT", Some(false), Some(0.97), &[]),
            ("ONBATT LOWBATT", Some(false), Some(0.97), &[BatteryEmpty]),
            ("SHUTTING DOWN", None, Some(0.97), &[BatteryEmpty]),
            ("ONLINE REPLACEBATT OVERLOAD", Some(true), Some(0.97), &[BatteryWorn, UpsOverloaded]),
            ("COMMLOST", None, None, &[OutOfTouch]),
        ];
        for (status, online, charge, causes) in cases {
            let records = format!(
                "UPSNAME  : room\nSTATUS   : {status} \nLOADPCT  : 23.0 Percent\n\
                 BCHARGE  : 097.0 Percent\nTIMELEFT :  42.5 Minutes\n"
            );
            let said = of_records(&records).unwrap();
            assert_eq!((said.name.as_str(), said.mains, said.charge), ("room", online, charge));
            assert_eq!(said.runtime_seconds, charge.map(|_| 2550.0));
            let found: Vec<_> = said.troubles.iter().map(|(cause, _)| *cause).collect();
            assert_eq!(found, causes, "{status}");
        }
    }

    #[test]
    fn what_is_no_status_is_none() {
        for strange in ["", "Invalid command\n\0", "STATUS", "STATE : ONLINE"] {
            assert_eq!(of_records(strange), None, "{strange}");
        }
    }

    #[test]
    fn nothing_like_a_status_is_too_strange() {
        let shapes = [
            message(&[
                "UPSNAME  : room\n",
                "STATUS   : ONBATT LOWBATT \n",
                "BCHARGE  : 097.0 Percent\n",
            ]),
            message(&["STATUS   : COMMLOST \n", "TIMELEFT :  42.5 Minutes\n", "END APC  : x\n"]),
        ];
        crate::mutations::survives(&shapes, |bytes| {
            let length = Records.length(bytes);
            assert!(!matches!(length, Ok(Some(length)) if length > bytes.len()));
            (length, Records.read(bytes).and_then(|records| of_records(&records)))
        });
    }
}
