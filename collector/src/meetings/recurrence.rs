//! When a meeting repeats: the rules of RFC 5545 § 3.3.10, bounded.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use rrule::RRuleSet;
use wire::UnixMillis;

/// Steps of one rule: a daily meeting of 50 years. Whatever a rule says, following it ends.
const STEPS: usize = 20_000;

/// Characters of a rule; the longest that calendars write has some 200.
const RULE_CHARS: usize = 512;

/// A rule with the start it counts from. It is followed on the wall, whatever the zone: those that
/// a calendar describes itself have no name.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// As if the wall's time were UTC.
    set: RRuleSet,
    zone: TimeZone,
}

impl Rule {
    /// Reads `text` (`FREQ=WEEKLY;BYDAY=MO`) for a meeting whose first start is `start` in `zone`.
    ///
    /// # Errors
    /// What is wrong with the rule and what would be right.
    pub fn parse(text: &str, start: DateTime, zone: &TimeZone) -> Result<Self, String> {
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        // Whatever begins a new line would begin another property.
        let plain = |c: char| c.is_ascii_alphanumeric() || "=;,+-".contains(c);
        if text.len() > RULE_CHARS || !text.chars().all(plain) {
            return Err(format!("{text:?} is not a rule like FREQ=WEEKLY;BYDAY=MO (RFC 5545)"));
        }
        let parts: Result<Vec<String>, String> = text
            .split(';')
            .filter(|part| !part.is_empty())
            .map(|part| checked(part, zone))
            .collect();
        let written =
            format!("DTSTART:{}Z\nRRULE:{}", start.strftime("%Y%m%dT%H%M%S"), parts?.join(";"));
        let set: RRuleSet = written.parse().map_err(|error| format!("{error}"))?;
        let rule = Self { set: set.limit(), zone: zone.clone() };
        if rule.starts().next().is_none() {
            return Err("no day ever fits this rule".to_owned());
        }
        Ok(rule)
    }

    /// The starts in their order, at most `STEPS`.
    pub fn starts(&self) -> impl Iterator<Item = UnixMillis> {
        self.set.into_iter().take(STEPS).filter_map(|start| {
            let wall = on_the_wall(start.timestamp_millis(), &TimeZone::UTC);
            self.zone.to_timestamp(wall).ok().map(Timestamp::as_millisecond)
        })
    }
}

/// One part of a rule, with `UNTIL` on the wall. The standard wants it in UTC; offices' programs
/// also write it as a day or in local time.
fn checked(part: &str, zone: &TimeZone) -> Result<String, String> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    match name {
        "FREQ" if matches!(value, "HOURLY" | "MINUTELY" | "SECONDLY") => {
            Err(format!("FREQ={value}: a meeting repeats daily at most"))
        }
        "BYHOUR" | "BYMINUTE" | "BYSECOND" => {
            Err(format!("{name} is not for meetings; the time is that of `start`"))
        }
        "UNTIL" => Ok(format!("UNTIL={}", until(value, zone)?)),
        _ => Ok(part.to_owned()),
    }
}

fn until(value: &str, zone: &TimeZone) -> Result<String, String> {
    let wrong =
        || format!("UNTIL={value} is neither a day like 20261231 nor a time like 20261231T165959Z");
    let utc = value.strip_suffix('Z');
    let time = match DateTime::strptime("%Y%m%dT%H%M%S", utc.unwrap_or(value)) {
        Ok(time) => time,
        Err(_) => civil::Date::strptime("%Y%m%d", value).map_err(|_| wrong())?.at(23, 59, 59, 0),
    };
    let wall = match utc {
        Some(_) => zone.to_datetime(TimeZone::UTC.to_timestamp(time).map_err(|_| wrong())?),
        None => time,
    };
    Ok(wall.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The time on the wall in `zone`.
#[must_use]
pub fn on_the_wall(at: UnixMillis, zone: &TimeZone) -> DateTime {
    zone.to_datetime(Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vietnam() -> TimeZone {
        TimeZone::get("Asia/Ho_Chi_Minh").unwrap()
    }

    fn starts(rule: &str, start: &str) -> Result<Vec<String>, String> {
        let rule = Rule::parse(rule, start.parse().unwrap(), &vietnam())?;
        let wall = |at| on_the_wall(at, &vietnam()).strftime("%m-%dT%H:%M").to_string();
        Ok(rule.starts().take(3).map(wall).collect())
    }

    #[test]
    fn rules_give_the_days_they_say() {
        for (rule, expected) in [
            ("FREQ=WEEKLY;BYDAY=MO", vec!["11-23T07:30", "11-30T07:30", "12-07T07:30"]),
            ("RRULE:FREQ=WEEKLY;INTERVAL=2", vec!["11-23T07:30", "12-07T07:30", "12-21T07:30"]),
            ("FREQ=MONTHLY;BYDAY=-1MO", vec!["11-30T07:30", "12-28T07:30", "01-25T07:30"]),
            ("FREQ=DAILY;COUNT=2", vec!["11-23T07:30", "11-24T07:30"]),
            // 00:30Z is 07:30 in Vietnam: the end is the last start and belongs to the rule.
            ("FREQ=DAILY;UNTIL=20261124T003000Z", vec!["11-23T07:30", "11-24T07:30"]),
            ("FREQ=DAILY;UNTIL=20261124T002959Z", vec!["11-23T07:30"]),
            ("FREQ=DAILY;UNTIL=20261124", vec!["11-23T07:30", "11-24T07:30"]),
            ("freq=daily;until=20261123T120000", vec!["11-23T07:30"]),
        ] {
            assert_eq!(starts(rule, "2026-11-23T07:30").unwrap(), expected, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_of_a_meeting_says_why() {
        for (rule, reason) in [
            ("every monday", "is not a rule like"),
            ("FREQ=DAILY\nRDATE:20270101", "is not a rule like"),
            ("FREQ=HOURLY", "repeats daily at most"),
            ("FREQ=DAILY;BYHOUR=7,8", "the time is that of `start`"),
            ("FREQ=DAILY;UNTIL=tomorrow", "neither a day like"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "no day ever fits"),
            ("FREQ=FORTNIGHTLY", "FORTNIGHTLY"),
            ("BYDAY=MO", "FREQ"),
            ("FREQ=DAILY;UNTIL=20200101", "UNTIL"),
            ("", "FREQ"),
        ] {
            let error = starts(rule, "2026-11-23T07:30").unwrap_err();
            assert!(error.contains(reason), "{rule}: {error}");
        }
    }
}
