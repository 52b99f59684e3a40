//! Codecs and projectors that misbehave, over the encryption they come with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use tests::agent::{Agent, once};
use tests::appliance::{Appliance, Asked, Deed, SelfSigned, page};
use tests::scripted::Scripted;
use tests::wait;
use wire::Cause;

/// The shape of an SX20 in a SIP call.
const IN_CALL: &str = include_str!("../../agent/src/probes/cisco/in-call.xml");

/// `Basic` of nhipcau:right.
const RIGHT: &str = "Basic bmhpcGNhdTpyaWdodA==";

/// A file with a password, closed to others.
struct Password {
    folder: TempDir,
}

impl Password {
    fn of(word: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, word).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("password")
    }
}

/// A Cisco codec that says this to whoever knows the password.
fn cisco(certificate: &SelfSigned, deed: impl Fn() -> Deed + Send + Sync + 'static) -> Appliance {
    Appliance::start(certificate, move |asked| {
        assert_eq!(asked.what, "GET /status.xml", "nothing else is asked of it");
        match asked.header("authorization") {
            Some(RIGHT) => deed(),
            _ => page(401, &[("WWW-Authenticate", "Basic realm=\"codec\"")], ""),
        }
    })
}

/// What hangs is waited for as long as the interval: enough for a slow machine's handshakes.
fn cisco_probe(codec: &Appliance, password: &Password, more: &str) -> String {
    format!(
        "{{ every: 5s, cisco: {{ host: 127.0.0.1, port: {}, user: nhipcau, password_file: {}{more} }} }}",
        codec.port,
        password.file().display()
    )
}

fn ask_cisco(deed: impl Fn() -> Deed + Send + Sync + 'static) -> (String, bool) {
    let (certificate, password) = (SelfSigned::default(), Password::of("right"));
    let codec = cisco(&certificate, deed);
    let pin = format!(", fingerprint: \"{}\"", certificate.fingerprint);
    let (said, good) = once(&cisco_probe(&codec, &password, &pin));
    assert_eq!(codec.asked().len(), 1, "{said}");
    assert!(!said.contains("right\""), "{said}");
    (said, good)
}

fn xml(body: &str) -> Deed {
    page(200, &[("Content-Type", "text/xml")], body)
}

#[test]
fn a_codec_that_nobody_vouches_for_is_trusted_by_its_fingerprint_alone() {
    let (certificate, password) = (SelfSigned::default(), Password::of("right"));
    let codec = cisco(&certificate, || xml(IN_CALL));
    let (said, good) = once(&cisco_probe(&codec, &password, ""));
    let shown = said.split("its fingerprint is ").nth(1).map(|rest| rest[..64].to_owned());
    assert!(!good && said.contains("[tls: "), "{said}");
    assert_eq!(shown.as_ref(), Some(&certificate.fingerprint), "{said}");
    assert_eq!(codec.asked().len(), 0, "no password went to a stranger");

    let pin = format!(", fingerprint: \"{}\"", certificate.fingerprint);
    let (said, good) = once(&cisco_probe(&codec, &password, &pin));
    assert!(good && said.contains("Cisco TelePresence SX20, software ce9.15.13"), "{said}");

    let other = cisco(&SelfSigned::default(), || xml(IN_CALL));
    let (said, good) = once(&cisco_probe(&other, &password, &pin));
    assert!(!good && said.contains("whose fingerprint is configured"), "{said}");
    assert_eq!(other.asked().len(), 0, "no password went to a stranger");
}

#[test]
fn what_a_codec_does_not_have_or_sees_asleep_is_told_as_it_is() {
    let picture = "<Connected>True</Connected><ConnectedDevice>";
    let dark = "<Connected>False</Connected><ConnectedDevice>";
    let without = |from: &str, to: &str| {
        let (head, rest) = IN_CALL.split_once(from).unwrap();
        format!("{head}{}", rest.split_once(to).unwrap().1)
    };
    for (document, good, part) in [
        // A TV asleep looks like one that is not there; nobody can tell which.
        (IN_CALL.replace(picture, dark), false, "which is off, asleep or unplugged"),
        (IN_CALL.replace("<PowerStatus>On<", "<PowerStatus>Standby<"), false, "[switched_off"),
        // In a codec that sleeps the TV sleeps too, and is no second trouble.
        (
            IN_CALL
                .replace(picture, dark)
                .replace("<State>Off</State>", "<State>Standby</State>")
                .replace("<NumberOfActiveCalls>1<", "<NumberOfActiveCalls>0<"),
            true,
            "[standby: Standby]",
        ),
        // What a version does not have is not known.
        (without("<Cameras>", "</Cameras>"), true, "In a call: yes."),
        (without("<MediaChannels>", "</MediaChannels>"), true, "In a call: yes."),
        (without("<SIP>", "</SIP>"), true, "In a call: yes."),
        ("<Status/>".to_owned(), true, "API: yes."),
    ] {
        let (said, found) = ask_cisco(move || xml(&document));
        assert_eq!(found, good, "{part}: {said}");
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_is_no_status_document_costs_the_reading_and_says_why() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\">\
                <!ENTITY c \"&b;&b;&b;&b;\">]><Status>&c;</Status>";
    let half = |body: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", IN_CALL.len());
        Deed::Say(format!("{head}{body}").into_bytes())
    };
    let chunks = |size: &str| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Deed::Say(format!("{head}{size}\r\n<Status>\r\n").into_bytes())
    };
    for (deed, part) in [
        (xml(bomb), "[protocol: "),
        (xml(&format!("<Status>{}</Status>", "<a/>".repeat(60_000))), "[protocol: "),
        (xml(&"<a>".repeat(100_000)), "[protocol: "),
        (page(200, &[("Content-Type", "text/html")], "<html>Login</html>"), "of \"html\""),
        (page(200, &[("Content-Type", "application/json")], "{\"Status\":{}}"), "[protocol: "),
        (page(200, &[("Content-Type", "image/png")], "\u{89}PNG\r\n"), "[protocol: "),
        (page(200, &[("Content-Encoding", "gzip")], "\u{1f}\u{8b}"), "[protocol: "),
        (xml(&" ".repeat(1_100_000)), "more than 1024 KiB"),
        (half("<Status>"), "[protocol: "),
        (half(""), "[protocol: "),
        (chunks("8"), "[protocol: "),
        (chunks("FFFFFFFFFFFFFFFFF"), "[protocol: "),
        (Deed::Say(b"HTTP/1.1 200".to_vec()), "[protocol: "),
        (Deed::Say(Vec::new()), "[protocol: "),
        (page(503, &[], ""), "it is busy, or has no session left"),
        (Deed::Hang, "[timeout: "),
    ] {
        let shown = format!("{deed:?}").chars().take(80).collect::<String>();
        let (said, good) = ask_cisco(move || deed.clone());
        assert!(!good && said.contains(part), "{shown}: {said}");
        assert!(said.contains("failed"), "{shown}: {said}");
    }
    // What calls itself something else and is one is one.
    let (said, good) =
        ask_cisco(|| page(200, &[("Content-Type", "application/octet-stream")], IN_CALL));
    assert!(good, "{said}");
}

#[test]
fn no_password_follows_a_redirect() {
    let (certificate, password) = (SelfSigned::default(), Password::of("right"));
    let pin = format!("fingerprint: \"{}\"", certificate.fingerprint);
    let elsewhere = Appliance::start(&certificate, |_| xml(IN_CALL));
    for status in [301, 302, 303, 307, 308] {
        let to = format!("https://127.0.0.1:{}/status.xml", elsewhere.port);
        let away = move |_: &Asked| page(status, &[("Location", &to)], "");
        let codec = Appliance::start(&certificate, away);
        let (port, file) = (codec.port, password.file());
        let site =
            format!("host: 127.0.0.1, port: {port}, password_file: {}, {pin}", file.display());
        for probe in
            [format!("{{ cisco: {{ user: a, {site} }} }}"), format!("{{ poly: {{ {site} }} }}")]
        {
            let (said, good) = once(&probe);
            assert!(!good && said.contains("redirects to somewhere else"), "{status}: {said}");
        }
        assert_eq!(codec.asked().len(), 2);
    }
    assert_eq!(elsewhere.asked().len(), 0);
}

/// A Studio X with these pages besides those of its session, which it gives to whoever knows the
/// password.
fn studio(
    certificate: &SelfSigned,
    system: impl Fn() -> Deed + Send + Sync + 'static,
) -> Appliance {
    Appliance::start(certificate, move |asked| {
        let inside = asked.header("cookie") == Some("session_id=PSN0; XSRF-TOKEN=tok")
            && asked.header("x-xsrf-token") == Some("tok");
        match asked.what.as_str() {
            "POST /rest/current/session" if asked.body.contains("\"right\"") => page(
                200,
                &[("Set-Cookie", "XSRF-TOKEN=tok; Path=/; Secure")],
                &json!({"success": true, "session": {"sessionId": "PSN0"}}).to_string(),
            ),
            "POST /rest/current/session" => page(200, &[], &json!({"success": false}).to_string()),
            _ if !inside => page(403, &[], ""),
            "DELETE /rest/current/session" => page(200, &[], "{}"),
            "GET /rest/system" => system(),
            "GET /rest/conferences" | "GET /rest/system/status" => page(200, &[], "[]"),
            _ => page(404, &[], ""),
        }
    })
}

fn poly_probe(studio: &Appliance, certificate: &SelfSigned, password: &Password) -> String {
    format!(
        "{{ every: 10s, poly: {{ host: 127.0.0.1, port: {}, password_file: {}, fingerprint: \"{}\" }} }}",
        studio.port,
        password.file().display(),
        certificate.fingerprint
    )
}

#[test]
fn every_session_of_a_codec_is_closed_whatever_becomes_of_the_run() {
    let system = json!({"model": "StudioX50", "softwareVersion": "4.1.0", "state": "AWAKE"});
    for (deed, good, part) in [
        (page(200, &[], &system.to_string()), true, "StudioX50, software 4.1.0."),
        (page(200, &[], "{\"model\":"), false, "[protocol: "),
        (page(200, &[("Content-Type", "text/html")], "<html>"), false, "[protocol: "),
        (page(500, &[], ""), false, "status 500"),
        (page(302, &[("Location", "/login")], ""), false, "redirects"),
        (Deed::Say(Vec::new()), false, "[protocol: "),
        (Deed::Hang, false, "[timeout: "),
    ] {
        let (certificate, password) = (SelfSigned::default(), Password::of("right"));
        let shown = format!("{deed:?}");
        let studio = studio(&certificate, move || deed.clone());
        let (said, found) = once(&poly_probe(&studio, &certificate, &password));
        assert_eq!(found, good, "{shown}: {said}");
        assert!(said.contains(part), "{shown}: {said}");
        let counts = (studio.count("POST"), studio.count("DELETE"));
        assert_eq!(counts, (1, 1), "{shown}: {:?}", studio.asked());
    }
}

#[test]
fn a_codec_without_a_session_left_is_told_and_not_pressed() {
    let (certificate, password) = (SelfSigned::default(), Password::of("right"));
    let full = Appliance::start(&certificate, |_| page(503, &[], ""));
    let (said, good) = once(&poly_probe(&full, &certificate, &password));
    assert!(!good && said.contains("has no session left"), "{said}");
    assert_eq!(full.asked().len(), 1);
}

#[test]
fn an_agent_that_ends_in_the_middle_of_a_run_closes_its_session_first() {
    let (certificate, password) = (SelfSigned::default(), Password::of("right"));
    let studio = studio(&certificate, || Deed::Hang);
    let collector = Scripted::start([]);
    let probe = poly_probe(&studio, &certificate, &password).replace("every: 10s", "every: 1m");
    let mut agent = Agent::start(&format!("probes:\n  codec: {probe}\n"), &collector.code);
    wait::until("a run under way", || {
        wait::seen(studio.count("GET /rest/system") == 1, || format!("{:?}", studio.asked()))
    });
    assert_eq!(studio.count("DELETE"), 0);
    agent.stop();
    assert_eq!((studio.count("POST"), studio.count("DELETE")), (1, 1));
}

/// Runs an agent with `probe` until its login was reported as refused three times.
fn refused_three_times(probe: &str) {
    let collector = Scripted::start([]);
    let config = format!("report_every: 5s\nprobes:\n  room: {probe}\n");
    let mut agent = Agent::start(&config, &collector.code);
    wait::until("three readings of a refused login", || {
        let pushes = collector.pushes();
        let readings = pushes.iter().flat_map(|push| &push.reports).flat_map(|r| &r.readings);
        let refused = readings
            .filter(|reading| reading.troubles.iter().any(|t| t.cause == Cause::LoginRefused))
            .count();
        wait::seen(refused >= 3, || format!("{refused}"))
    });
    agent.stop();
}

#[test]
fn a_refused_password_is_tried_once_however_often_the_probe_runs() {
    let (certificate, password) = (SelfSigned::default(), Password::of("wrong"));
    let pin = format!(", fingerprint: \"{}\"", certificate.fingerprint);
    let codec = cisco(&certificate, || xml(IN_CALL));
    let probe = cisco_probe(&codec, &password, &pin).replace("every: 5s", "every: 3s");
    refused_three_times(&probe);
    assert_eq!(codec.asked().len(), 1);
    let studio = studio(&certificate, || page(200, &[], "{}"));
    let probe = poly_probe(&studio, &certificate, &password).replace("every: 10s", "every: 3s");
    refused_three_times(&probe);
    assert_eq!(studio.asked().len(), 1);
}
