use wire::enrolment::EnrolError;
use wire::reading::Reading;

use super::super::told;
use super::*;
use crate::contact::Contact;
use crate::doctor::Since;
use crate::spool::Statistics;
use crate::tally::Trace;
use crate::uplink::{Cause, Closed, Mark, ProxyFault};
use wire::Language;

fn reading(probe: &str, kind: &str, samples: &[(&str, f64)]) -> (Reading, Trace) {
    let samples = samples
        .iter()
        .map(|(name, value)| serde_json::json!({ "name": name, "label": null, "value": value }));
    let json = serde_json::json!({
        "probe": probe, "kind": kind, "every_ms": 5000, "duration_us": 1,
        "samples": samples.collect::<Vec<_>>(),
    });
    (serde_json::from_value(json).unwrap(), Trace::default())
}

/// A site of which all is well.
fn well() -> Evidence {
    Evidence {
        configuration: Ok(4),
        state_dir: "/var/lib/nhipcau-agent".into(),
        rights: Some(Ok(())),
        enrolment: Enrolment::Site { id: "th-0316".into(), collector: "10.1.2.3:8443".into() },
        proxy: None,
        name: None,
        collector: Some(Ok(12)),
        contact: Some(heard(30_000)),
        spool: Spool::Held,
        probes: vec![
            reading("clock", "clock", &[("bridge_clock_synchronised", 1.0)]),
            reading("link", "link", &[("bridge_link_up", 1.0)]),
            reading("pc", "host", &[("bridge_host_disk_available_bytes", 1e11)]),
            reading(ECHO, "icmp", &[]),
            reading("mcu", "icmp", &[]),
            reading("cam", "camera", &[]),
        ],
    }
}

/// A report was taken so long ago.
fn heard(ago_ms: u64) -> Since {
    let contact = Contact { at: 1_764_000_000_000, here: 1_764_000_000_000 };
    Since { contact, ago_ms: Some(ago_ms) }
}

fn closed(cause: Cause) -> Result<i64, Closed> {
    Err(Closed { cause, mark: None, detail: String::new() })
}

/// The names of what is not green, the red ones with an exclamation mark.
fn wrong(evidence: &Evidence) -> String {
    let findings = judge(evidence);
    let wrong = findings.iter().filter(|finding| finding.colour != Colour::Green);
    let names = wrong.map(|finding| {
        let mark = if finding.colour == Colour::Red { "!" } else { "" };
        format!("{}{mark}", finding.name)
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_fault_is_found_where_it_lies_and_nowhere_else() {
    type Spoil = fn(&mut Evidence);
    let cases: [(&str, Spoil); 22] = [
        ("", |_| {}),
        ("configuration!", |e| e.configuration = Err("agent.yaml:1: no".into())),
        ("rights!", |e| e.rights = Some(Err("read-only".into()))),
        ("service!", |e| e.spool = Spool::Free(Statistics::default())),
        ("service! spool!", |e| e.spool = Spool::Unusable("permission denied".into())),
        ("service! spool", |e| {
            e.spool = Spool::Free(Statistics { reports: 5000, ..Statistics::default() });
        }),
        ("clock", |e| e.collector = Some(Ok(-120_000))),
        ("clock!", |e| e.collector = Some(Ok(86_400_000))),
        ("clock", |e| e.probes[0] = reading("clock", "clock", &[])),
        ("route!", |e| e.probes[1] = reading("link", "link", &[("bridge_link_up", 0.0)])),
        ("disk!", |e| {
            e.probes[2] = reading("pc", "host", &[("bridge_host_disk_available_bytes", 1e7)]);
        }),
        ("conference devices", |e| e.probes.truncate(4)),
        ("tls collector! credential", |e| e.collector = Some(closed(Cause::Unreachable))),
        ("proxy tls collector! credential", |e| {
            e.proxy = Some("http://a:b@proxy:3128".into());
            e.collector = Some(closed(Cause::Refused));
        }),
        ("dns! tls collector! credential", |e| {
            e.name = Some(Err("no answer".into()));
            e.collector = Some(closed(Cause::Resolve));
        }),
        ("tls! credential", |e| e.collector = Some(closed(Cause::Tls))),
        ("credential!", |e| e.collector = Some(closed(Cause::Credential))),
        ("contact", |e| e.contact = None),
        ("contact", |e| e.contact = Some(heard(3_600_000))),
        ("proxy! tls collector! credential", |e| {
            e.proxy = Some("http://proxy:3128".into());
            let mark = Some(Mark::Proxy(ProxyFault::WantsPassword));
            e.collector = Some(Err(Closed { cause: Cause::Closed, mark, detail: String::new() }));
        }),
        ("power", |e| {
            e.probes.push(reading("p", "power", &[("bridge_host_sleep_after_seconds", 1200.0)]));
        }),
        ("power!", |e| {
            e.probes.push(reading("p", "power", &[("bridge_host_mains_online", 0.0)]));
        }),
    ];
    for (expected, spoil) in cases {
        let mut evidence = well();
        spoil(&mut evidence);
        assert_eq!(wrong(&evidence), expected);
    }
}

#[test]
fn the_gravest_trouble_in_the_room_is_mended_first() {
    let with = |mut reading: (Reading, Trace), troubles: &[(&str, wire::Cause)]| {
        let trouble = |(device, cause): &(&str, wire::Cause)| {
            let (device, cause) = ((*device).into(), *cause);
            wire::Trouble { device, cause, detail: "".into() }
        };
        reading.0.troubles = troubles.iter().map(trouble).collect();
        reading
    };
    let mut evidence = well();
    evidence.probes.push(with(reading("cam", "camera", &[]), &[("C920", wire::Cause::Slow)]));
    let troubles = [("Loa cũ", wire::Cause::Quiet), ("Jabra", wire::Cause::Muted)];
    evidence.probes.push(with(reading("mic", "microphone", &[]), &troubles));
    let findings = judge(&evidence);
    let said = |language| told::json(&evidence, &findings, language)["said"].to_string();
    assert!(said(Language::Vi).contains("Jabra: bật tiếng lại"), "{}", said(Language::Vi));
    assert!(said(Language::En).contains("Jabra: switch its sound on"), "{}", said(Language::En));
}

#[test]
fn the_last_line_is_that_the_site_is_ready_or_the_first_thing_to_do() {
    let said = |evidence: &Evidence, language| {
        let findings = judge(evidence);
        told::json(evidence, &findings, language)["said"].as_str().unwrap().to_owned()
    };
    assert_eq!(said(&well(), Language::Vi), "Điểm cầu sẵn sàng (th-0316).");
    let mut evidence = Evidence { enrolment: Enrolment::Missing, collector: None, ..well() };
    evidence.spool = Spool::None;
    assert_eq!(
        said(&evidence, Language::Vi),
        "Việc cần làm trước tiên (mục 3): xin mã ghi danh rồi chạy: nhipcau-agent enroll MÃ."
    );
    assert!(said(&evidence, Language::En).contains("(number 3): ask for an enrolment code"));
}

#[test]
fn a_pc_that_keeps_its_code_says_what_it_waits_for() {
    let said = |evidence: &Evidence, number: usize| {
        let found = &judge(evidence)[number - 1];
        (found.colour, found.found.vi.clone(), found.found.en.clone())
    };
    let mut evidence = Evidence {
        enrolment: Enrolment::Kept("10.1.2.3:8443".into()),
        collector: Some(closed(Cause::Refused)),
        ..well()
    };
    let (colour, vi, en) = said(&evidence, 3);
    assert_eq!(colour, Colour::Red);
    assert_eq!(vi, "đang giữ mã ghi danh, chờ liên lạc được với 10.1.2.3:8443");
    assert_eq!(en, "keeps its code until 10.1.2.3:8443 is within reach");
    assert_eq!(said(&evidence, 10).0, Colour::Red, "what is in the way has its own number");
    evidence.collector = Some(Ok(0));
    assert!(said(&evidence, 3).1.contains("sắp ghi danh"));
    assert_eq!(said(&evidence, 11).0, Colour::Yellow, "nobody has taken a credential of it yet");
    evidence.enrolment = Enrolment::Refused(EnrolError::ExpiredCode);
    evidence.collector = None;
    assert!(said(&evidence, 3).1.contains("bị từ chối. Mã này đã hết hạn"));
}

#[test]
fn what_is_not_green_says_how_to_mend_it() {
    let mut evidence = well();
    for cause in Cause::ALL {
        evidence.collector = Some(closed(cause));
        let findings = judge(&evidence);
        let red: Vec<_> = findings.iter().filter(|finding| finding.colour == Colour::Red).collect();
        assert!(!red.is_empty(), "{cause:?}");
        assert!(red.iter().all(|finding| finding.mend.is_some()), "{cause:?}");
    }
}

#[test]
fn a_proxys_password_is_not_told() {
    for (proxy, told) in [
        ("http://an:mat@khau@proxy:3128", "http://…@proxy:3128"),
        ("an:x@proxy:3128", "…@proxy:3128"),
        ("http://proxy:3128", "http://proxy:3128"),
    ] {
        assert_eq!(without_password(proxy), told);
    }
}
