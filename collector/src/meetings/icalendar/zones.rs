//! Time zones by the names that calendar programs give them.

use jiff::tz::{Offset, TimeZone};

/// Windows' names, as Outlook and Exchange write them, from Unicode CLDR `windowsZones.xml`
/// (territory 001; for Vietnam that of territory VN). Meetings across a border come from these.
#[rustfmt::skip]
const WINDOWS: &[(&str, &str)] = &[
    ("SE Asia Standard Time",          "Asia/Ho_Chi_Minh"),
    ("Singapore Standard Time",        "Asia/Singapore"),
    ("China Standard Time",            "Asia/Shanghai"),
    ("Taipei Standard Time",           "Asia/Taipei"),
    ("Tokyo Standard Time",            "Asia/Tokyo"),
    ("Korea Standard Time",            "Asia/Seoul"),
    ("Myanmar Standard Time",          "Asia/Yangon"),
    ("India Standard Time",            "Asia/Kolkata"),
    ("Sri Lanka Standard Time",        "Asia/Colombo"),
    ("Nepal Standard Time",            "Asia/Kathmandu"),
    ("Bangladesh Standard Time",       "Asia/Dhaka"),
    ("Iran Standard Time",             "Asia/Tehran"),
    ("AUS Central Standard Time",      "Australia/Darwin"),
    ("Cen. Australia Standard Time",   "Australia/Adelaide"),
    ("W. Australia Standard Time",     "Australia/Perth"),
    ("AUS Eastern Standard Time",      "Australia/Sydney"),
    ("Russian Standard Time",          "Europe/Moscow"),
    ("GMT Standard Time",              "Europe/London"),
    ("W. Europe Standard Time",        "Europe/Berlin"),
    ("Central Europe Standard Time",   "Europe/Budapest"),
    ("Romance Standard Time",          "Europe/Paris"),
    ("Eastern Standard Time",          "America/New_York"),
    ("Central Standard Time",          "America/Chicago"),
    ("Pacific Standard Time",          "America/Los_Angeles"),
    ("UTC",                            "Etc/UTC"),
    ("Greenwich Standard Time",        "Atlantic/Reykjavik"),
];

/// The zone that is called `name`: an IANA name, possibly behind a vendor's prefix
/// (`/citadel.org/20190914_1/Asia/Ho_Chi_Minh`), Windows' name, or a display name that begins
/// with its offset (`(UTC+07:00) Bangkok, Hanoi, Jakarta`).
pub(super) fn by_name(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    if let Some((_, iana)) = WINDOWS.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name))
    {
        return TimeZone::get(iana).ok();
    }
    if let Some(rest) = name.strip_prefix("(UTC").or_else(|| name.strip_prefix("(GMT")) {
        return by_offset(rest.split(')').next()?);
    }
    let mut tail = name.trim_start_matches('/');
    loop {
        if let Ok(zone) = TimeZone::get(tail) {
            return Some(zone);
        }
        (_, tail) = tail.split_once('/')?;
    }
}

/// `+07:00` or `+0700`; whole hours as a named zone, for names are what people read.
pub(super) fn by_offset(offset: &str) -> Option<TimeZone> {
    let digits: String = offset.trim().chars().filter(|c| *c != ':').collect();
    if digits.is_empty() {
        return TimeZone::get("Etc/UTC").ok();
    }
    let hours: i32 = digits.get(..3)?.parse().ok()?;
    let minutes: i32 = match digits.get(3..) {
        Some("") => 0,
        rest => rest?.get(..2)?.parse().ok()?,
    };
    let sign = if digits.starts_with('-') { -1 } else { 1 };
    if minutes != 0 {
        let seconds = hours * 3600 + sign * minutes * 60;
        return Offset::from_seconds(seconds).ok().map(TimeZone::fixed);
    }
    // POSIX counts west of Greenwich: `Etc/GMT-7` is +07:00.
    let name = if hours == 0 { "Etc/UTC".to_owned() } else { format!("Etc/GMT{:+}", -hours) };
    if hours == 7 { TimeZone::get("Asia/Ho_Chi_Minh").ok() } else { TimeZone::get(&name).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_windows_name_is_a_zone() {
        for (windows, iana) in WINDOWS {
            assert_eq!(by_name(windows), TimeZone::get(iana).ok(), "{windows}");
            assert!(TimeZone::get(iana).is_ok(), "{iana}");
        }
    }

    #[test]
    fn offsets_need_not_be_whole_hours() {
        for (offset, seconds) in [
            ("+0530", Some(19_800)),
            ("+05:45", Some(20_700)),
            ("-0330", Some(-12_600)),
            ("+0700", Some(25_200)),
            ("-08", Some(-28_800)),
            ("+9999", None),
            ("+7", None),
            ("ă0", None),
        ] {
            let now = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(490_000);
            let found = by_offset(offset).map(|zone| zone.to_offset(now).seconds());
            assert_eq!(found, seconds, "{offset}");
        }
    }

    #[test]
    fn programs_names_are_understood() {
        for (name, iana) in [
            ("Asia/Ho_Chi_Minh", Some("Asia/Ho_Chi_Minh")),
            ("Asia/Bangkok", Some("Asia/Bangkok")),
            ("/citadel.org/20190914_1/Asia/Ho_Chi_Minh", Some("Asia/Ho_Chi_Minh")),
            ("(UTC+07:00) Bangkok, Hanoi, Jakarta", Some("Asia/Ho_Chi_Minh")),
            ("(GMT+08.00) Beijing", None),
            ("(UTC+08:00) Beijing", Some("Etc/GMT-8")),
            ("(UTC) Coordinated Universal Time", Some("Etc/UTC")),
            ("Customized Time Zone", None),
            ("", None),
        ] {
            let found = by_name(name);
            let found = found.as_ref().and_then(TimeZone::iana_name);
            assert_eq!(found, iana, "{name}");
        }
    }
}
