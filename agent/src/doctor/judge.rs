//! From what was seen to findings. Pure.

mod line;
mod pc;
mod probed;
#[cfg(test)]
mod tests;

use wire::metrics;
use wire::reading::{Name, Sample, Value};

use super::{Colour, Enrolment, Evidence, Finding, Spool, Words, words};
use crate::enrol::refusal;
use crate::platform::{AS_ADMINISTRATOR, START_SERVICE};
pub(super) use line::without_password;
use line::{clock, collector, credential, dns, proxy, route, tls};
use pc::{contact, disk, power, spool};
use probed::{echo, of_kinds};

/// The echo to this PC itself, as no configuration names a probe of its own.
pub(super) const ECHO: &str = "echo-to-this-pc";

/// All checks, in the order of their numbers.
pub(super) fn judge(evidence: &Evidence) -> Vec<Finding> {
    vec![
        configuration(evidence),
        rights(evidence),
        enrolment(evidence),
        service(evidence),
        clock(evidence),
        route(evidence),
        dns(evidence),
        proxy(evidence),
        tls(evidence),
        collector(evidence),
        credential(evidence),
        echo(evidence),
        of_kinds(
            evidence,
            "conference",
            words("máy chủ và cổng họp (SIP, H.323)", "conference servers and ports (SIP, H.323)"),
            &["sip", "h323", "ports", "stun", "turn", "icmp", "tcp", "http", "dns"],
        ),
        of_kinds(
            evidence,
            "devices",
            words("thiết bị phòng họp", "devices of the room"),
            &[
                "camera",
                "microphone",
                "speaker",
                "display",
                "usb",
                "software",
                "ups",
                "pjlink",
                "snmp",
                "cisco",
                "poly",
            ],
        ),
        power(evidence),
        disk(evidence),
        spool(evidence),
        contact(evidence),
    ]
}

fn finding(name: &'static str, title: Words, colour: Colour, found: Words) -> Finding {
    Finding { name, title, colour, found, mend: None }
}

impl Finding {
    fn mend(self, mend: Words) -> Self {
        Self { mend: Some(mend), ..self }
    }
}

fn configuration(evidence: &Evidence) -> Finding {
    let title = words("cấu hình", "configuration");
    match &evidence.configuration {
        Ok(count) => finding(
            "configuration",
            title,
            Colour::Green,
            words(format!("hợp lệ, {count} phép đo"), format!("good, {count} probes")),
        ),
        Err(faults) => {
            finding("configuration", title, Colour::Red, words(faults.as_str(), faults.as_str()))
                .mend(words(
                    "sửa các dòng này rồi chạy: nhipcau-agent check",
                    "mend these lines, then run: nhipcau-agent check",
                ))
        }
    }
}

fn rights(evidence: &Evidence) -> Finding {
    let title = words("quyền ghi", "rights");
    let place = &evidence.state_dir;
    match &evidence.rights {
        Some(Ok(())) => finding(
            "rights",
            title,
            Colour::Green,
            words(format!("ghi được vào {place}"), format!("{place} can be written")),
        ),
        Some(Err(error)) => finding(
            "rights",
            title,
            Colour::Red,
            words(
                format!("không ghi được vào {place}: {error}"),
                format!("cannot write to {place}: {error}"),
            ),
        )
        .mend(words(
            format!("chạy lại bằng quyền quản trị ({AS_ADMINISTRATOR}); nếu vẫn vậy, kiểm tra ổ đĩa"),
            format!(
                "run this again with administrator rights ({AS_ADMINISTRATOR}); if it stays so, look at the disk"
            ),
        )),
        None => finding(
            "rights",
            title,
            Colour::Yellow,
            words(format!("chưa có {place}"), format!("there is no {place} yet")),
        )
        .mend(words("ghi danh sẽ tạo thư mục này", "enrolment makes it")),
    }
}

fn enrolment(evidence: &Evidence) -> Finding {
    let title = words("ghi danh", "enrolment");
    let again = words(
        "xin mã ghi danh rồi chạy: nhipcau-agent enroll MÃ",
        "ask for an enrolment code and run: nhipcau-agent enroll CODE",
    );
    match &evidence.enrolment {
        Enrolment::Site { id, collector } => finding(
            "enrolment",
            title,
            Colour::Green,
            words(format!("điểm cầu {id} tại {collector}"), format!("site {id} at {collector}")),
        ),
        Enrolment::Missing => finding(
            "enrolment",
            title,
            Colour::Red,
            words("máy này chưa được ghi danh", "this PC is not enrolled"),
        )
        .mend(again),
        Enrolment::Waiting(number) => finding(
            "enrolment",
            title,
            Colour::Red,
            words(
                format!("đang chờ được gán cho điểm cầu, số {number}"),
                format!("waits for its site under the number {number}"),
            ),
        )
        .mend(words(
            format!("gọi đơn vị vận hành và đọc số {number}; gán xong, agent tự ghi danh"),
            format!("call operations and read out {number}; the agent then enrols by itself"),
        )),
        Enrolment::Kept(collector) => kept(title, collector, evidence),
        Enrolment::Refused(error) => {
            let (vi, en) = refusal(*error, None);
            let found = words(
                format!("mã ghi danh đã giữ bị từ chối. {}", vi.trim_end_matches('.')),
                format!("the code that was kept is refused. {}", en.trim_end_matches('.')),
            );
            finding("enrolment", title, Colour::Red, found).mend(again)
        }
        Enrolment::Elsewhere(site) => {
            let found = words(
                format!(
                    "thông tin ghi danh của điểm cầu {site} được tạo trên máy khác: ổ đĩa này là bản sao"
                ),
                format!(
                    "the enrolment of site {site} was made on another machine: this disk is a copy"
                ),
            );
            let mend = words(
                "xin mã riêng cho máy này rồi chạy: nhipcau-agent enroll MÃ (cả khi vừa thay bo mạch chủ)",
                "ask for a code of its own and run: nhipcau-agent enroll CODE (also after a new main board)",
            );
            finding("enrolment", title, Colour::Red, found).mend(mend)
        }
        Enrolment::Damaged(fault) => {
            finding("enrolment", title, Colour::Red, words(fault.as_str(), fault.as_str()))
                .mend(again)
        }
    }
}

/// A code is kept: what it waits for is the way to the collector, which has numbers of its own.
fn kept(title: Words, collector: &str, evidence: &Evidence) -> Finding {
    let reached = matches!(evidence.collector, Some(Ok(_)));
    let (found, mend) = if reached {
        (
            words(
                format!("đang giữ mã ghi danh của {collector}, sắp ghi danh"),
                format!("keeps a code of {collector} and is about to enrol"),
            ),
            words(
                format!("đợi hai phút, agent tự ghi danh; nếu không, chạy: {START_SERVICE}"),
                format!(
                    "wait two minutes, the agent enrols by itself; if not, run: {START_SERVICE}"
                ),
            ),
        )
    } else {
        (
            words(
                format!("đang giữ mã ghi danh, chờ liên lạc được với {collector}"),
                format!("keeps its code until {collector} is within reach"),
            ),
            words(
                "sửa đường tới collector theo các mục dưới đây; có mạng là agent tự ghi danh, không phải gõ lại mã",
                "mend the way to the collector, see below; the agent then enrols by itself, without typing the code again",
            ),
        )
    };
    finding("enrolment", title, Colour::Red, found).mend(mend)
}

fn service(evidence: &Evidence) -> Finding {
    let title = words("dịch vụ", "service");
    if matches!(evidence.spool, Spool::Held) {
        return finding("service", title, Colour::Green, words("đang chạy", "it runs"));
    }
    finding("service", title, Colour::Red, words("agent không chạy", "the agent does not run"))
        .mend(words(format!("chạy: {START_SERVICE}"), format!("run: {START_SERVICE}")))
}

/// The value of a metric in the readings of a kind.
fn number(evidence: &Evidence, kind: &str, name: &str) -> Option<f64> {
    samples(evidence, kind, name).next()
}

fn samples<'a>(
    evidence: &'a Evidence,
    kind: &'a str,
    name: &'a str,
) -> impl Iterator<Item = f64> + 'a {
    let metric = metrics::find(name);
    let readings = evidence.probes.iter().map(|(reading, _)| reading);
    let samples =
        readings.filter(move |reading| &*reading.kind == kind).flat_map(|reading| &reading.samples);
    samples.filter_map(move |sample: &Sample| match (&sample.name, &sample.value) {
        (Name::Known(known), Value::Number(value))
            if metric.is_some_and(|metric| metric.name == known.name) =>
        {
            Some(*value)
        }
        _ => None,
    })
}
