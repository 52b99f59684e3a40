//! Time zones that a calendar describes itself (RFC 5545 § 3.6.5), for those whose name says
//! nothing: Exchange's `Customized Time Zone`, an office's own.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::lines::Line;
use super::zones;

/// One `STANDARD` or `DAYLIGHT`.
#[derive(Debug, Default)]
struct Observance {
    is_daylight: bool,
    begins: Option<DateTime>,
    offset: String,
    rule: Option<String>,
}

/// The zone that these lines between `BEGIN:VTIMEZONE` and its end describe. Of its history only
/// what still holds is taken: meetings lie ahead.
pub(super) fn zone(lines: &[Line]) -> Option<TimeZone> {
    let named = lines.iter().find(|line| line.name == "X-LIC-LOCATION");
    if let Some(zone) = named.and_then(|line| TimeZone::get(line.value.trim()).ok()) {
        return Some(zone);
    }
    let observances = observances(lines);
    let latest = |daylight: bool| {
        let own = observances.iter().filter(|found| found.is_daylight == daylight);
        own.max_by_key(|found| (found.turn().is_some(), found.begins))
    };
    let (standard, daylight) = match (latest(false), latest(true)) {
        (Some(standard), Some(daylight)) if standard.offset != daylight.offset => {
            (standard, daylight)
        }
        (Some(only), _) | (None, Some(only)) => return zones::by_offset(&only.offset),
        (None, None) => return None,
    };
    match (standard.turn(), daylight.turn()) {
        (Some(to_standard), Some(to_daylight)) => {
            // POSIX.1 § 8.3, which counts hours west of Greenwich.
            let (winter, summer) =
                (posix_offset(&standard.offset)?, posix_offset(&daylight.offset)?);
            let text = format!("<STD>{winter}<DST>{summer},{to_daylight},{to_standard}");
            TimeZone::posix(&text).ok()
        }
        // The other one is history.
        (Some(_), None) => zones::by_offset(&standard.offset),
        (None, Some(_)) => zones::by_offset(&daylight.offset),
        (None, None) => {
            let day = |found: &Observance| found.begins.map(DateTime::date);
            let last = standard.begins.max(daylight.begins).map(DateTime::date);
            // Two offsets and no word on when they change describe nothing.
            match (day(standard) == last, day(daylight) == last) {
                (true, false) => zones::by_offset(&standard.offset),
                (false, true) => zones::by_offset(&daylight.offset),
                _ => None,
            }
        }
    }
}

fn observances(lines: &[Line]) -> Vec<Observance> {
    let mut found: Vec<Observance> = Vec::new();
    for line in lines {
        let value = line.value.trim();
        match (line.name.as_str(), found.last_mut()) {
            ("BEGIN", _) => {
                let is_daylight = value.eq_ignore_ascii_case("DAYLIGHT");
                found.push(Observance { is_daylight, ..Observance::default() });
            }
            ("DTSTART", Some(last)) => {
                last.begins = DateTime::strptime("%Y%m%dT%H%M%S", value).ok();
            }
            ("TZOFFSETTO", Some(last)) => value.clone_into(&mut last.offset),
            ("RRULE", Some(last)) => last.rule = Some(value.to_ascii_uppercase()),
            _ => {}
        }
    }
    found
}

impl Observance {
    /// When it begins each year, as POSIX writes it (`M3.5.0/2`); none where it no longer does.
    fn turn(&self) -> Option<String> {
        let (begins, rule) = (self.begins?, self.rule.as_ref()?);
        let part = |name: &str| {
            rule.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        // A rule that has ended describes the past.
        if part("FREQ")? != "YEARLY" || part("UNTIL").is_some() {
            return None;
        }
        let month: u8 = part("BYMONTH")?.parse().ok().filter(|month| (1..=12).contains(month))?;
        let (number, day) =
            part("BYDAY")?.split_at_checked(part("BYDAY")?.len().checked_sub(2)?)?;
        let weekday = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"].iter().position(|d| *d == day)?;
        let week = match number {
            // `BYDAY=SU;BYMONTHDAY=8,9,10,11,12,13,14` is the second Sunday.
            "" => {
                part("BYMONTHDAY")?.split(',').next()?.parse::<u8>().ok()?.checked_sub(1)? / 7 + 1
            }
            "-1" => 5,
            number => number.trim_start_matches('+').parse().ok()?,
        };
        let time = begins.strftime("%H:%M:%S");
        (1..=5).contains(&week).then(|| format!("M{month}.{week}.{weekday}/{time}"))
    }
}

fn posix_offset(offset: &str) -> Option<String> {
    let (sign, digits) = offset.split_at_checked(1)?;
    let sign = if sign == "-" { '+' } else { '-' };
    let (hours, minutes) = (digits.get(..2)?, digits.get(2..4)?);
    Some(format!("{sign}{hours}:{minutes}"))
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines;
    use super::*;

    const STANDARD: &str = "BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+1100\n\
        TZOFFSETTO:+1000\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=4\nEND:STANDARD\n";
    const DAYLIGHT: &str = "BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+1000\n\
        TZOFFSETTO:+1100\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=10\nEND:DAYLIGHT\n";

    /// What the clock shows in January and in July when it is noon in Greenwich.
    fn noons(text: &str) -> Option<(String, String)> {
        let zone = zone(&lines(text))?;
        let wall = |at: &str| {
            let at: jiff::Timestamp = at.parse().unwrap();
            zone.to_datetime(at).strftime("%H:%M").to_string()
        };
        Some((wall("2027-01-15T12:00Z"), wall("2027-07-15T12:00Z")))
    }

    #[test]
    fn a_described_zone_keeps_its_summer_and_its_winter() {
        let both = format!("TZID:x\n{STANDARD}{DAYLIGHT}");
        let by_days =
            both.replace("BYDAY=1SU;BYMONTH=4", "BYDAY=SU;BYMONTHDAY=1,2,3,4,5,6,7;BYMONTH=4");
        let half = "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETTO:+0545\nEND:STANDARD\n";
        let history = format!(
            "BEGIN:STANDARD\nDTSTART:19200101T000000\nRDATE:19200101T000000\nTZOFFSETTO:+0530\n\
             END:STANDARD\n{}",
            half.replace("1601", "1986")
        );
        let same = half.replace("STANDARD", "DAYLIGHT");
        let ended = both.replace("BYMONTH=10", "BYMONTH=10;UNTIL=20001001T000000Z");
        for (text, expected) in [
            (both.as_str(), Some(("23:00", "22:00"))),
            (&by_days, Some(("23:00", "22:00"))),
            (half, Some(("17:45", "17:45"))),
            (&history, Some(("17:45", "17:45"))),
            (&format!("{half}{same}"), Some(("17:45", "17:45"))),
            ("X-LIC-LOCATION:Asia/Kolkata\nBEGIN:STANDARD\nEND:STANDARD", Some(("17:30", "17:30"))),
            // What it was changed to when is not said.
            (&both.replace("RRULE", "X-RULE"), None),
            (&ended, Some(("22:00", "22:00"))),
            ("TZID:x", None),
        ] {
            let expected = expected.map(|(winter, summer)| (winter.to_owned(), summer.to_owned()));
            assert_eq!(noons(text), expected, "{text}");
        }
    }
}
