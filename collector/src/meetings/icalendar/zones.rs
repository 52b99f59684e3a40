//! Time zones by the names that calendar programs give them.

use jiff::tz::TimeZone;

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

/// `+07:00` or `+0700`, whole hours as a named zone: recurrence rules want a name.
pub(super) fn by_offset(offset: &str) -> Option<TimeZone> {
    let digits: String = offset.trim().chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = (digits.get(..3).unwrap_or("+00"), digits.get(3..5).unwrap_or("00"));
    let hours: i32 = hours.parse().ok()?;
    if minutes != "00" || (!digits.is_empty() && digits.len() < 3) {
        return None;
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
    fn programs_names_are_understood() {
        for (name, iana) in [
            ("Asia/Ho_Chi_Minh", Some("Asia/Ho_Chi_Minh")),
            ("Asia/Bangkok", Some("Asia/Bangkok")),
            ("/citadel.org/20190914_1/Asia/Ho_Chi_Minh", Some("Asia/Ho_Chi_Minh")),
            ("(UTC+07:00) Bangkok, Hanoi, Jakarta", Some("Asia/Ho_Chi_Minh")),
            ("(GMT+08.00) Beijing", None),
            ("(UTC+08:00) Beijing", Some("Etc/GMT-8")),
            ("(UTC) Coordinated Universal Time", Some("Etc/UTC")),
            ("(UTC+05:30) Kolkata", None),
            ("Customized Time Zone", None),
            ("", None),
        ] {
            let found = by_name(name);
            let found = found.as_ref().and_then(TimeZone::iana_name);
            assert_eq!(found, iana, "{name}");
        }
    }
}
