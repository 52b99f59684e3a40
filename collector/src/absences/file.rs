//! `absences.yaml`. The structs are the file; what they refuse, they refuse with its place.
//!
//! ```yaml
//! absences:
//!   - { site: th-0316, from: 2026-11-23T07:00, to: 2026-11-23T11:30, reason: "sửa phòng họp" }
//!   - { uplink: pop-hoang-hoa, from: 2026-11-24, to: 2026-11-25, reason: "nhà mạng bảo trì" }
//! ```
//! Times are Vietnam's, or carry an offset; a day alone is from its beginning and to its end.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};
use wire::ids::AreaId;
use wire::limits::TEXT_CHARS;
use wire::yaml::Faults;
use wire::{SiteId, UnixMillis};

use super::{ABSENCES, Absence, Scope};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    absences: Vec<Draft>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Draft {
    site: Option<SiteId>,
    area: Option<AreaId>,
    uplink: Option<String>,
    from: Option<When>,
    to: Option<When>,
    reason: String,
}

/// A moment, a time in Vietnam, or a whole day.
#[derive(Debug, Clone, Copy)]
enum When {
    Moment(Timestamp),
    Time(DateTime),
    Day(Date),
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(moment) = text.parse() {
            return Ok(Self::Moment(moment));
        }
        let when = if text.contains(':') {
            text.parse().ok().map(Self::Time)
        } else {
            Date::strptime("%Y-%m-%d", &text).ok().map(Self::Day)
        };
        when.ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text:?} is not a time like 2026-11-23T07:30 or a day like 2026-11-23"
            ))
        })
    }
}

impl When {
    /// The moment; of a day its beginning, or its end.
    fn moment(self, end: bool) -> Option<UnixMillis> {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh");
        let zone = zone.unwrap_or(TimeZone::fixed(jiff::tz::offset(7)));
        let time = match self {
            Self::Moment(moment) => return Some(moment.as_millisecond()),
            Self::Time(time) => time,
            Self::Day(day) if end => {
                day.tomorrow().ok()?.to_datetime(jiff::civil::Time::midnight())
            }
            Self::Day(day) => day.to_datetime(jiff::civil::Time::midnight()),
        };
        zone.to_timestamp(time).ok().map(Timestamp::as_millisecond)
    }
}

/// Reads `text`, the content of `file`.
///
/// # Errors
/// All faults of the file.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Absence>, Faults> {
    let (content, mut findings) = wire::yaml::open::<File>(file, text);
    let mut absences = Vec::new();
    for (index, draft) in content.unwrap_or_default().absences.into_iter().enumerate() {
        if index == ABSENCES {
            findings.add("absences", format!("more than {ABSENCES} absences; remove what is over"));
            break;
        }
        match draft.absence() {
            Ok(absence) => absences.push(absence),
            Err((key, message)) => {
                let key = if key.is_empty() { String::new() } else { format!(".{key}") };
                findings.add(&format!("absences[{index}]{key}"), message);
            }
        }
    }
    findings.finish(Some(absences))
}

/// Reads `text`, a single absence; JSON is YAML too.
pub(super) fn one(file: &Path, text: &str) -> Result<Absence, Faults> {
    let (draft, mut findings) = wire::yaml::open::<Draft>(file, text);
    let absence = draft.unwrap_or_default().absence();
    let absence = absence.map_err(|(key, message)| findings.add(key, message)).ok();
    findings.finish(absence)
}

impl Draft {
    fn absence(self) -> Result<Absence, (&'static str, String)> {
        let of = match (self.site, self.area, self.uplink) {
            (Some(site), None, None) => Scope::Site(site),
            (None, Some(area), None) => Scope::Area(area),
            (None, None, Some(uplink)) => Scope::Uplink(uplink.trim().to_owned()),
            _ => {
                let message = "is of one `site`, one `area` or one `uplink`; give exactly one";
                return Err(("", message.to_owned()));
            }
        };
        let moment = |when: Option<When>, end, key: &'static str| {
            let moment = when.and_then(|when| when.moment(end));
            moment.ok_or_else(|| (key, "is missing: a time like 2026-11-23T07:30".to_owned()))
        };
        let from = moment(self.from, false, "from")?;
        let to = moment(self.to, true, "to")?;
        if to <= from {
            return Err(("to", "is not after `from`".to_owned()));
        }
        let reason = self.reason.trim().to_owned();
        if reason.is_empty() {
            return Err((
                "reason",
                "is missing; people see it wherever the site is shown".to_owned(),
            ));
        }
        let length = reason.chars().count();
        if length > TEXT_CHARS {
            let message = format!("{length} characters; at most {TEXT_CHARS} are kept");
            return Err(("reason", message));
        }
        Ok(Absence { of, from, to, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Absence>, Vec<String>> {
        let faults = |faults: Faults| faults.0.iter().map(ToString::to_string).collect();
        parse("absences.yaml".as_ref(), text).map_err(faults)
    }

    #[test]
    fn times_are_vietnams_and_a_day_lasts_to_its_end() {
        let absences = read(
            "absences:\n\
             - { site: a, from: 2026-11-23T07:00, to: 2026-11-23T05:00Z, reason: x }\n\
             - { area: tinh, from: 2026-11-23, to: 2026-11-23, reason: x }\n\
             - { uplink: pop 1, from: 2026-11-23, to: 2026-11-24T00:00+07:00, reason: x }\n",
        )
        .unwrap();
        // 2026-11-23T00:00Z.
        let (midnight, hour) = (1_795_392_000_000, 3_600_000);
        let times: Vec<_> = absences.iter().map(|absence| (absence.from, absence.to)).collect();
        let day = (midnight - 7 * hour, midnight + 17 * hour);
        assert_eq!(times, [(midnight, midnight + 5 * hour), day, day]);
        assert_eq!(absences[2].of, Scope::Uplink("pop 1".to_owned()));
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        for (text, said) in [
            ("{ from: 2026-11-23, to: 2026-11-24, reason: x }", "give exactly one"),
            ("{ site: a, area: b, from: 2026-11-23, to: 2026-11-24, reason: x }", "exactly one"),
            ("{ site: a, to: 2026-11-24, reason: x }", "from: is missing"),
            ("{ site: a, from: 2026-11-24, to: 2026-11-23, reason: x }", "not after `from`"),
            ("{ site: a, from: 2026-11-23, to: 2026-11-23 }", "reason: is missing"),
            ("{ site: a, from: tomorrow, to: 2026-11-23, reason: x }", "is not a time like"),
        ] {
            let faults = read(&format!("absences: [{text}]")).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(said), "{faults:?}");
            assert!(faults[0].starts_with("absences.yaml:1:"), "{faults:?}");
        }
    }

    #[test]
    fn nothing_like_an_absence_is_too_strange() {
        let list = "absences:\n  - { site: th-0316, from: 2026-11-23, to: 2026-11-24T12:00, reason: \"bão\" }\n";
        let json =
            r#"{"site":"th-0316","from":"2026-11-23T07:30","to":"2026-11-24","reason":"b\u00e3o"}"#;
        crate::mutations::survives(&[list, json], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let file = Path::new("absences.yaml");
            (parse(file, &text).map_err(|f| f.0), one(file, &text).map_err(|f| f.0))
        });
    }
}
