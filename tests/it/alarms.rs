//! From a fault in a room to the message on a telephone: real agents, Prometheus and Alertmanager
//! with the shipped rules and routes.

use serde_json::Value;
use tests::alarm::{Alarm, inventory, meeting};
use tests::link::{Line, Link};
use tests::mail::MailServer;
use tests::receiver::{Message, web_server};
use tests::wait;

fn verdict(alarm: &Alarm, site: &str) -> Value {
    alarm.collector.get(&format!("/api/v1/sites/{site}"), &[]).json()["verdict"].clone()
}

#[track_caller]
fn wait_for_verdict(alarm: &Alarm, site: &str, expected: &str) {
    wait::until("a verdict", || {
        let found = verdict(alarm, site);
        wait::seen(found.as_str() == Some(expected), || format!("{found} of {site}"))
    });
}

/// Messages about one thing, an alert's name.
fn about(messages: &[Message], alert: &str) -> Vec<Message> {
    let has = |message: &&Message| message.alerts().iter().any(|(name, _)| name == alert);
    messages.iter().filter(has).cloned().collect()
}

fn tells(message: &Message, alert: &str) -> bool {
    message.alerts().iter().any(|(name, _)| name == alert)
}

fn skipped() {
    println!("SKIPPED: prometheus and prometheus-alertmanager are not installed");
}

#[test]
fn a_cut_target_ten_minutes_before_a_meeting_is_one_alert_for_the_meeting_and_one_for_the_site() {
    let sites = [("th-1", "pop-1"), ("th-2", "pop-2")];
    let meetings = format!("meetings:\n{}", meeting("giao-ban", 10, "th-1, th-2"));
    let Some(alarm) = Alarm::start(&inventory(&sites), &meetings, None) else { return skipped() };
    let target = Link::to(web_server());
    let line = Link::to(alarm.collector.agents());
    let _one = alarm.agent("th-1", &line, target.address());
    let _two = alarm.agent("th-2", &line, web_server());
    wait_for_verdict(&alarm, "th-1", "ready");
    wait_for_verdict(&alarm, "th-2", "ready");

    target.set(Line::Stalled);
    let meeting = alarm.receiver.wait_for("the meeting's alert", |m| tells(m, "MeetingNotReady"));
    assert_eq!(meeting.path, "/operations");
    let summary = meeting.annotation("summary_en");
    assert_eq!(summary, "Họp giao-ban: 1 of 2 ready, 1 not ready, 0 unknown");
    assert_eq!(meeting.annotation("description_en").trim(), "Xã th-1 (not ready).");
    let site = alarm.receiver.wait_for("the site's alert", |m| tells(m, "SiteNotReady"));
    assert_eq!(site.path, "/technicians-mien-tay");
    assert_eq!(site.alerts(), [("SiteNotReady".to_owned(), "th-1".to_owned())]);
    assert_eq!(site.annotation("description"), "Chưa đạt: mạng.");

    target.set(Line::Good);
    for alert in ["MeetingNotReady", "SiteNotReady"] {
        let over = |m: &Message| m.is_resolved() && tells(m, alert);
        let _ = alarm.receiver.wait_for("its end", over);
    }
    let messages = alarm.receiver.messages();
    for alert in ["MeetingNotReady", "SiteNotReady"] {
        let firing = about(&messages, alert).iter().filter(|m| !m.is_resolved()).count();
        assert_eq!((alert, firing), (alert, 1), "{messages:#?}");
    }
    assert_eq!(messages.len(), 4, "{messages:#?}");
}

#[test]
fn a_cut_uplink_is_one_incident_and_the_meeting_still_has_its_alert() {
    let sites = [("th-1", "pop-1"), ("th-2", "pop-1"), ("th-3", "pop-1"), ("th-4", "pop-2")];
    let meetings = format!("meetings:\n{}", meeting("giao-ban", 10, "th-1, th-2, th-3, th-4"));
    let Some(alarm) = Alarm::start(&inventory(&sites), &meetings, None) else { return skipped() };
    let uplink = Link::to(alarm.collector.agents());
    let other = Link::to(alarm.collector.agents());
    let target = web_server();
    let _agents = sites.map(|(site, pop)| {
        alarm.agent(site, if pop == "pop-1" { &uplink } else { &other }, target)
    });
    for (site, _) in sites {
        wait_for_verdict(&alarm, site, "ready");
    }

    uplink.set(Line::Stalled);
    let incident = alarm.receiver.wait_for("the incident", |m| tells(m, "UplinkIncident"));
    assert_eq!(incident.path, "/operations-urgent");
    assert_eq!(incident.alerts(), [("UplinkIncident".to_owned(), "pop-1".to_owned())]);
    let meeting = alarm.receiver.wait_for("the meeting's alert", |m| tells(m, "MeetingNotReady"));
    assert!(!meeting.annotation("summary_en").is_empty());
    wait::until("three suppressed members", || {
        let mut members = alarm.alertmanager.held("site");
        members.retain(|(name, _)| name == "SiteNotReady");
        let suppressed = members.iter().filter(|(_, state)| state == "suppressed").count();
        wait::seen((members.len(), suppressed) == (3, 3), || format!("{members:?}"))
    });
    let held = alarm.alertmanager.held("meeting");
    assert_eq!(held, [("MeetingNotReady".to_owned(), "active".to_owned())]);

    uplink.set(Line::Good);
    let over = |m: &Message| m.is_resolved() && tells(m, "MeetingNotReady");
    let _ = alarm.receiver.wait_for("its end", over);
    let messages = alarm.receiver.messages();
    let about_sites = about(&messages, "SiteNotReady");
    assert!(about_sites.is_empty(), "told though the incident was: {about_sites:#?}");
}

#[test]
fn a_killed_collector_raises_its_alert() {
    let Some(mut alarm) = Alarm::start(&inventory(&[("th-1", "pop-1")]), "meetings: []\n", None)
    else {
        return skipped();
    };
    let _ = alarm.prometheus.wait_for("up{job=\"nhipcau\"} == 1");
    alarm.collector.kill();
    let down = alarm.receiver.wait_for("the collector's alert", |m| tells(m, "CollectorDown"));
    assert_eq!(down.path, "/operations-urgent");
}

#[test]
fn a_meeting_added_moved_and_cancelled_changes_verdicts_and_alerts() {
    let sites = [("th-1", "pop-1")];
    let Some(alarm) = Alarm::start(&inventory(&sites), "meetings: []\n", None) else {
        return skipped();
    };
    let quiet = || alarm.prometheus.query("ALERTS{scope=\"meeting\"}").is_empty();
    assert!(quiet());

    alarm.collector.write_meetings(&format!("meetings:\n{}", meeting("gap", 10, "th-1")));
    let first = alarm
        .receiver
        .wait_for("the added meeting's alert", |m| tells(m, "MeetingNotReady") && !m.is_resolved());
    assert_eq!(first.annotation("summary_en"), "Họp gap: 0 of 1 ready, 0 not ready, 1 unknown");

    alarm.collector.write_meetings(&format!("meetings:\n{}", meeting("gap", 120, "th-1")));
    let over = |m: &Message| m.is_resolved() && tells(m, "MeetingNotReady");
    let _ = alarm.receiver.wait_for("its end, for it was moved", over);
    assert_eq!(alarm.prometheus.query("bridge_meeting_site_state").len(), 0);

    alarm.collector.write_meetings(&format!("meetings:\n{}", meeting("khac", 10, "th-1")));
    let other = |m: &Message| m.annotation("summary_en").starts_with("Họp khac: 0 of 1 ready");
    let _ = alarm.receiver.wait_for("another meeting's alert", other);
    alarm.collector.write_meetings("meetings: []\n");
    let over = |m: &Message| m.is_resolved() && other(m) && tells(m, "MeetingNotReady");
    let _ = alarm.receiver.wait_for("its end, for it was cancelled", over);
}

#[test]
fn an_alert_comes_by_mail_in_vietnamese_and_by_webhook() {
    let Some(mail) = MailServer::start() else {
        println!("SKIPPED: python3-aiosmtpd is not installed");
        return;
    };
    let meetings = format!("meetings:\n{}", meeting("giao-ban", 4, "th-1"));
    let sites = inventory(&[("th-1", "pop-1")]);
    let Some(alarm) = Alarm::start(&sites, &meetings, Some(mail.address())) else {
        return skipped();
    };
    let urgent = |m: &Message| m.path == "/operations-urgent" && tells(m, "MeetingNotReady");
    let _ = alarm.receiver.wait_for("the webhook's message", urgent);
    let wanted = [
        "To: truc-cau-truyen-hinh@tinh.gov.vn",
        "Subject: [KHẨN] Họp giao-ban: 0/1 điểm cầu sẵn sàng, 0 chưa sẵn sàng, 1 không rõ",
        "● Họp giao-ban: 0/1 điểm cầu sẵn sàng",
        "Xã th-1 (không rõ)",
        "Cách xử lý: https://grafana.tinh.gov.vn/public/runbook.md#meetingnotready",
        "Subject: [KHẨN] Xã th-1 chưa sẵn sàng cho Họp giao-ban",
    ];
    wait::until("the mails", || {
        let read = mail.read();
        let missing: Vec<_> = wanted.iter().filter(|line| !read.contains(**line)).collect();
        wait::seen(missing.is_empty(), || format!("{missing:#?} missing in:\n{read}"))
    });
}
