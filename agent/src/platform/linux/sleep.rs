//! When the system would sleep or switch itself off: systemd's idle action (logind.conf(5)) and
//! a shutdown that somebody has scheduled (shutdown(8)).
//!
//! A desktop may have a rule of its own besides, which only its user can see.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{read, read_at};
use crate::platform::SleepPlan;

/// Where settings lie, each of which overrules those before it (logind.conf(5)).
const SETTINGS: &[&str] = &[
    "usr/lib/systemd/logind.conf",
    "etc/systemd/logind.conf",
    "usr/lib/systemd/logind.conf.d",
    "run/systemd/logind.conf.d",
    "etc/systemd/logind.conf.d",
];

/// logind.conf(5): where nothing else is set.
const IDLE_DEFAULT: Duration = Duration::from_mins(30);

pub(super) fn plan(root: &Path) -> SleepPlan {
    SleepPlan {
        after: after(root),
        shutdown_unix_seconds: scheduled(root),
        // What restarts a Linux after an update schedules it as a shutdown.
        ..SleepPlan::default()
    }
}

fn after(root: &Path) -> Option<Duration> {
    let setting = |key| settings(root).rev().find_map(|text| value(&text, key));
    let action = setting("IdleAction")?;
    // What is masked cannot happen, whatever asks for it.
    let target = match action.as_str() {
        "suspend" => Some("suspend.target"),
        "hibernate" => Some("hibernate.target"),
        "hybrid-sleep" => Some("hybrid-sleep.target"),
        "suspend-then-hibernate" => Some("suspend-then-hibernate.target"),
        "poweroff" | "reboot" | "halt" | "kexec" => None,
        _ => return None,
    };
    let masked = |target: &str| {
        let mask = root.join("etc/systemd/system").join(target);
        fs::read_link(mask).is_ok_and(|to| to == Path::new("/dev/null"))
    };
    if target.is_some_and(|target| masked(target) || masked("sleep.target")) {
        return None;
    }
    Some(setting("IdleActionSec").and_then(|text| span(&text)).unwrap_or(IDLE_DEFAULT))
}

/// The texts of all settings, the weakest first.
fn settings(root: &Path) -> impl DoubleEndedIterator<Item = String> {
    let mut texts = Vec::new();
    for place in SETTINGS {
        let place = root.join(place);
        if let Ok(entries) = fs::read_dir(&place) {
            let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
            files.sort();
            texts.extend(files.iter().filter_map(|file| read_at(file).ok()));
        } else {
            texts.extend(read_at(&place));
        }
    }
    texts.into_iter()
}

fn value(text: &str, key: &str) -> Option<String> {
    let lines = text.lines().rev().filter_map(|line| line.split_once('='));
    lines
        .map(|(name, value)| (name.trim(), value.trim()))
        .find_map(|(name, value)| (name == key && !value.is_empty()).then(|| value.to_owned()))
}

/// `30min`, `1h 30min`, `900` (systemd.time(7)).
fn span(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let seconds: u64 = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hr" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(seconds)?;
        total = total.checked_add(Duration::from_secs(part))?;
        rest = next.trim_start();
    }
    Some(total)
}

/// `USEC=1795310400000000` in the file of a shutdown that waits for its time.
fn scheduled(root: &Path) -> Option<f64> {
    let text = read(root, "run/systemd/shutdown/scheduled").ok()?;
    let micros: u64 = value(&text, "USEC")?.parse().ok()?;
    Some(micros as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    #[test]
    fn the_idle_action_is_what_the_last_setting_says() {
        for (files, masked, minutes) in [
            (vec![], None, None),
            (vec![("etc/systemd/logind.conf", "[Login]\n#IdleAction=suspend")], None, None),
            (vec![("etc/systemd/logind.conf", "[Login]\nIdleAction=ignore")], None, None),
            (vec![("etc/systemd/logind.conf", "[Login]\nIdleAction=lock")], None, None),
            (vec![("etc/systemd/logind.conf", "[Login]\nIdleAction=suspend")], None, Some(30)),
            (
                vec![
                    ("etc/systemd/logind.conf", "IdleAction=ignore\nIdleActionSec=15min"),
                    ("etc/systemd/logind.conf.d/10-room.conf", "IdleAction = hibernate"),
                ],
                None,
                Some(15),
            ),
            (vec![("etc/systemd/logind.conf", "IdleAction=suspend")], Some("sleep.target"), None),
            (
                vec![("etc/systemd/logind.conf", "IdleAction=poweroff\nIdleActionSec=1h 5min")],
                Some("sleep.target"),
                Some(65),
            ),
        ] {
            let tree = Tree::default();
            for (file, text) in &files {
                tree.file(file, text);
            }
            if let Some(target) = masked {
                tree.link(&format!("etc/systemd/system/{target}"), "/dev/null");
            }
            assert_eq!(plan(tree.root()).after, minutes.map(Duration::from_mins), "{files:?}");
        }
    }

    #[test]
    fn a_shutdown_that_waits_is_seen() {
        let tree = Tree::default();
        assert_eq!(plan(tree.root()).shutdown_unix_seconds, None);
        tree.file(
            "run/systemd/shutdown/scheduled",
            "USEC=1795310400000000\nWARN_WALL=1\nMODE=reboot",
        );
        assert_eq!(plan(tree.root()).shutdown_unix_seconds, Some(1_795_310_400.0));
        tree.file("run/systemd/shutdown/scheduled", "USEC=soon");
        assert_eq!(plan(tree.root()).shutdown_unix_seconds, None);
    }

    #[test]
    fn a_span_that_is_none_is_none() {
        for text in ["soon", "5 parsecs", "-1", "99999999999999999999h"] {
            assert_eq!(span(text), None, "{text}");
        }
        assert_eq!(span("900"), Some(Duration::from_mins(15)));
    }
}
