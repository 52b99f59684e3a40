//! Who is told of what at night: the shipped routes in a real Alertmanager, with the hours of
//! duty laid around this moment, and away from it.

use std::process::Command;

use serde_json::json;
use tests::alertmanager::{Alertmanager, shipped_routes};
use tests::receiver::{Message, Receiver};
use tests::{program, wait};

const MINUTES_A_DAY: i64 = 24 * 60;

/// An hour before and after.
const WIDTH: i64 = 60;

/// What Vietnam is ahead of UTC.
const AHEAD: i64 = 7 * 60;

/// The minute of the day in Vietnam, by `date`.
fn minute_in_vietnam() -> i64 {
    let mut command = Command::new("date");
    command.env("TZ", "Asia/Ho_Chi_Minh").arg("+%H %M");
    let said = String::from_utf8_lossy(&program::finish(command).stdout).into_owned();
    let parts: Vec<i64> = said.split_whitespace().map(|part| part.parse().unwrap()).collect();
    parts[0] * 60 + parts[1]
}

/// An hour before and after this minute, on every day, in Vietnam's time. Around midnight these
/// are two stretches of one day.
fn hours_around(minute: i64) -> String {
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    let (start, end) =
        ((minute - WIDTH).rem_euclid(MINUTES_A_DAY), (minute + WIDTH).rem_euclid(MINUTES_A_DAY));
    let stretches =
        if start < end { vec![(start, end)] } else { vec![(start, MINUTES_A_DAY), (0, end)] };
    let times: Vec<_> = stretches
        .into_iter()
        .filter(|(start, end)| start < end)
        .map(|(start, end)| {
            format!("{{ start_time: \"{}\", end_time: \"{}\" }}", clock(start), clock(end))
        })
        .collect();
    format!("[{{ times: [{}], location: Asia/Ho_Chi_Minh }}]", times.join(", "))
}

/// Alertmanager with these hours of duty, told of a spool that throws readings away, of a
/// certificate, and of a site that is not ready for its meeting.
fn told_of_three_things(duty: &str) -> Option<(Alertmanager, Receiver)> {
    let receiver = Receiver::start();
    let mut routes = shipped_routes(receiver.address(), None);
    routes["time_intervals"][0]["time_intervals"] = serde_yaml::from_str(duty).unwrap();
    let alertmanager = Alertmanager::start(&routes)?;
    let site = |alert: &str, severity: &str| {
        json!({ "alertname": alert, "severity": severity, "scope": "site", "site": "th-1",
                "area": "mien-tay", "meeting": "" })
    };
    alertmanager.raise(&[
        site("SpoolEvicting", "warning"),
        site("SiteNotReady", "critical"),
        json!({ "alertname": "CollectorCertificateExpiring", "severity": "warning", "scope": "collector" }),
    ]);
    Some((alertmanager, receiver))
}

fn tells(message: &Message, path: &str, alert: &str) -> bool {
    message.path == path && message.alerts().iter().any(|(name, _)| name == alert)
}

fn skipped() {
    println!("SKIPPED: prometheus-alertmanager is not installed");
}

#[test]
fn within_duty_hours_in_vietnam_technicians_and_operations_are_told_of_everything() {
    let Some((_alertmanager, receiver)) = told_of_three_things(&hours_around(minute_in_vietnam()))
    else {
        return skipped();
    };
    for (path, alert) in [
        ("/technicians-mien-tay", "SpoolEvicting"),
        ("/technicians-mien-tay", "SiteNotReady"),
        ("/operations", "CollectorCertificateExpiring"),
    ] {
        let _ = receiver.wait_for(alert, |message| tells(message, path, alert));
    }
}

#[test]
fn outside_duty_hours_in_vietnam_only_a_site_that_misses_its_meeting_is_told() {
    // These hours would be on duty if somebody took Vietnam's time for UTC.
    let Some((alertmanager, receiver)) =
        told_of_three_things(&hours_around(minute_in_vietnam() - AHEAD))
    else {
        return skipped();
    };
    let message = receiver.wait_for("the site that is not ready", |message| {
        tells(message, "/technicians-mien-tay", "SiteNotReady")
    });
    assert_eq!(message.alerts().len(), 1, "{message:?}");
    wait::until("both warnings kept back because of the hour", || {
        let said = alertmanager.said();
        let count = |needle: &str| said.lines().filter(|line| line.contains(needle)).count();
        let due = |alert: &str| count(&format!("msg=flushing alerts=[{alert}["));
        let (site, collector) = (due("SpoolEvicting"), due("CollectorCertificateExpiring"));
        let muted = count("route is not within active time");
        let all = site > 0 && collector > 0 && muted == site + collector;
        wait::seen(all, || format!("due {site} and {collector} times, muted {muted} times"))
    });
    assert_eq!(receiver.messages().len(), 1, "{:#?}", receiver.messages());
}
