//! What the configured probes say. Pure.

use wire::reading::Reading;
use wire::{DeviceState, Language};

use super::{ECHO, finding};
use crate::doctor::{Colour, Evidence, Finding, Words, words};
use crate::platform::ALLOW_ECHO;

pub(super) fn echo(evidence: &Evidence) -> Finding {
    let title = words("quyền gửi ICMP", "right to send ICMP");
    let reading = evidence
        .probes
        .iter()
        .map(|(reading, _)| reading)
        .find(|reading| reading.probe.as_str() == ECHO);
    match reading.map(|reading| &reading.failure) {
        Some(None) => finding("icmp", title, Colour::Green, words("có", "given")),
        Some(Some(failure)) => {
            finding("icmp", title, Colour::Red, words(failure.to_string(), failure.to_string()))
                .mend(words(
                    format!("{ALLOW_ECHO}; xem tường lửa của máy"),
                    format!("{ALLOW_ECHO}; look at this PC's firewall"),
                ))
        }
        None => finding("icmp", title, Colour::Yellow, words("không đo được", "not measured")),
    }
}

/// The probes of some kinds: as grave as the gravest of them, each that is not well in one line.
pub(super) fn of_kinds(
    evidence: &Evidence,
    name: &'static str,
    title: Words,
    kinds: &[&str],
) -> Finding {
    let among = evidence.probes.iter().map(|(reading, _)| reading);
    let probes: Vec<&Reading> = among
        .filter(|reading| kinds.contains(&&*reading.kind) && reading.probe.as_str() != ECHO)
        .collect();
    if probes.is_empty() {
        let found = words("không có phép đo nào", "no probe looks at them");
        return finding(name, title, Colour::Yellow, found).mend(words(
            "thiết bị: chạy nhipcau-agent learn; máy chủ họp: khai trong agent.yaml",
            "devices: run nhipcau-agent learn; conference servers: name them in agent.yaml",
        ));
    }
    let gravest = probes.iter().map(|reading| colour(reading)).max().unwrap_or(Colour::Green);
    let bad: Vec<&&Reading> = probes.iter().filter(|reading| colour_is_bad(reading)).collect();
    if bad.is_empty() {
        let names: Vec<&str> = probes.iter().map(|reading| reading.probe.as_str()).collect();
        return finding(name, title, Colour::Green, words(names.join(", "), names.join(", ")));
    }
    let told = |language| {
        bad.iter().map(|reading| wrong(reading, language)).collect::<Vec<_>>().join("; ")
    };
    // The gravest first, whatever the order in which the probes are configured.
    let first = bad.iter().rev().max_by_key(|reading| colour(reading)).unwrap_or(&bad[0]);
    finding(name, title, gravest, words(told(Language::Vi), told(Language::En))).mend(mend(first))
}

/// What to do about a probe that is not well.
fn mend(reading: &Reading) -> Words {
    let gravest = reading.troubles.iter().rev().max_by_key(|trouble| trouble.cause.state());
    let Some(trouble) = gravest.filter(|_| reading.failure.is_none()) else {
        let probe = &reading.probe;
        return words(
            format!("xem từng bước: nhipcau-agent once {probe}"),
            format!("see its steps: nhipcau-agent once {probe}"),
        );
    };
    let (device, cause) = (&trouble.device, trouble.cause);
    words(
        format!("{device}: {}", cause.remedy(Language::Vi)),
        format!("{device}: {}", cause.remedy(Language::En)),
    )
}

fn colour_is_bad(reading: &Reading) -> bool {
    colour(reading) > Colour::Green
}

fn colour(reading: &Reading) -> Colour {
    if reading.failure.is_some() {
        return Colour::Red;
    }
    match reading.troubles.iter().map(|trouble| trouble.cause.state()).max() {
        None | Some(DeviceState::Ok) => Colour::Green,
        Some(DeviceState::Degraded | DeviceState::Unknown) => Colour::Yellow,
        Some(DeviceState::Blocked | DeviceState::Missing) => Colour::Red,
    }
}

/// `mic: Jabra: đang bị tắt tiếng`
fn wrong(reading: &Reading, language: Language) -> String {
    let probe = &reading.probe;
    if let Some(failure) = &reading.failure {
        return format!(
            "{probe}: {} [{failure}]",
            failure.reason.sentence(language).trim_end_matches('.')
        );
    }
    let troubles = reading
        .troubles
        .iter()
        .map(|trouble| format!("{}: {}", trouble.device, trouble.cause.clause(language)));
    format!("{probe}: {}", troubles.collect::<Vec<_>>().join(", "))
}
