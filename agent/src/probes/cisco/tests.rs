use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wire::reading::Reason;

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, Found, config, write_password};

/// The shape of an SX20 in a SIP call, after Cisco's API guide (D15335) and its public captures.
const IN_CALL: &str = include_str!("in-call.xml");

fn found(xml: &str, options: &str) -> Found {
    let expected: Expected = config(&format!("{{ {options} }}"));
    let status = status::read(xml, &expected).unwrap();
    Bench::default().record(|run| status.record(run, "Cisco"))
}

#[test]
fn a_codec_in_a_good_call_stands_on_the_highest_rung() {
    let found = found(IN_CALL, "microphones: 1");
    assert_eq!(found.troubles(), "");
    for rung in [
        "link_up",
        "login_accepted",
        "api_answering",
        "registered",
        "awake",
        "in_call",
        "media_good",
    ] {
        assert_eq!(found.number(&format!("bridge_codec_{rung}")), Some(1.0), "{rung}");
    }
    assert_eq!(found.labels("bridge_device_info"), ["Cisco TelePresence SX20 ce9.15.13.0a1b2c3"]);
    assert_eq!(
        found.labels("bridge_device_state"),
        ["camera", "codec", "display", "microphone", "speaker"]
    );
    assert_eq!(
        found.labels("bridge_media_bytes_per_second"),
        ["audio_receive", "video_receive", "video_transmit"],
        "neither idle content nor data"
    );
    let of_video = |metric: &str| found.number_of(metric, "video_receive");
    assert_eq!(of_video("bridge_media_loss_ratio"), Some(0.006));
    assert_eq!(of_video("bridge_media_jitter_seconds"), Some(0.008));
    assert_eq!(of_video("bridge_media_bytes_per_second"), Some(224_000.0));
    assert_eq!(found.number_of("bridge_media_loss_ratio", "video_transmit"), None, "0 of 0");
    assert!(found.number("bridge_device_start_timestamp_seconds").is_some());
}

#[test]
fn everything_that_stands_between_a_codec_and_a_meeting_is_told() {
    let registration = "<Status>Registered</Status>";
    let failed = "<Status>Failed</Status>";
    for (from, to, troubles) in [
        (registration, failed, "codec not_registered"),
        // Not set up, as in rooms of Teams.
        (registration, "<Status>Inactive</Status>", ""),
        (
            "<Connected>True</Connected><Manufacturer>",
            "<Connected>False</Connected><Manufacturer>",
            "camera unplugged",
        ),
        (
            "<Connected>True</Connected><ConnectedDevice>",
            "<Connected>False</Connected><ConnectedDevice>",
            "display display_unseen",
        ),
        ("<PowerStatus>On<", "<PowerStatus>Standby<", "display switched_off"),
        ("<Volume>60<", "<Volume>0<", "speaker silent"),
        ("<VolumeMute>Off<", "<VolumeMute>On<", "speaker muted"),
        ("1000full", "100half", "codec half_duplex"),
        ("<Status>Normal<", "<Status>Critical<", "codec fault_reported"),
        (
            "<Level>Warning</Level><References/><Type>ContactInfoMismatch<",
            "<Level>Error</Level><References/><Type>CameraStatus<",
            "codec warning_reported",
        ),
        ("<LastIntervalLost>6<", "<LastIntervalLost>60<", ""),
    ] {
        assert!(IN_CALL.contains(from), "{from}");
        let found = found(&IN_CALL.replacen(from, to, 1), "");
        assert_eq!(found.troubles(), troubles, "{to}");
    }
    let lossy = found(&IN_CALL.replace("<LastIntervalLost>6<", "<LastIntervalLost>60<"), "");
    assert_eq!(lossy.number("bridge_codec_media_good"), Some(0.0));
}

#[test]
fn a_codec_asleep_is_not_blamed_for_its_dark_display() {
    let idle = IN_CALL
        .replace("<State>Off</State>", "<State>Standby</State>")
        .replace("<NumberOfActiveCalls>1<", "<NumberOfActiveCalls>0<")
        .replace(
            "<Connected>True</Connected><ConnectedDevice>",
            "<Connected>False</Connected><ConnectedDevice>",
        );
    let found = found(&idle, "");
    assert_eq!(found.troubles(), "codec standby");
    assert_eq!(found.number("bridge_codec_awake"), Some(0.0));
    assert_eq!(found.number("bridge_codec_media_good"), None);
}

#[test]
fn what_an_old_version_does_not_tell_is_not_known_and_no_fault() {
    let old = "<Status product=\"Cisco Codec\" version=\"TC7.3.6\"><Call item=\"3\" status=\"Synced\" protocol=\"SIP\"/>\
               <SystemUnit><Uptime>99</Uptime></SystemUnit></Status>";
    let of_old = found(old, "");
    assert_eq!(of_old.troubles(), "");
    assert_eq!(of_old.number("bridge_codec_in_call"), Some(1.0));
    assert_eq!(of_old.number("bridge_codec_registered"), None);
    assert_eq!(of_old.labels("bridge_device_info"), ["Cisco Codec TC7.3.6"]);
    let empty = found("<Status/>", "");
    assert_eq!(empty.number("bridge_codec_in_call"), None);
}

#[test]
fn hostile_documents_are_refused() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"cc\"><!ENTITY d \"&b;&b;\">]><Status>&d;</Status>";
    let many = format!("<Status>{}</Status>", "<a/>".repeat(60_000));
    let deep = format!("<Status>{}", "<a>".repeat(40_000));
    for xml in ["", "<html><body>Login</body></html>", "{\"a\":1}", "<Status>", bomb, &many, &deep]
    {
        let shown: String = xml.chars().take(40).collect();
        assert!(status::read(xml, &Expected::default()).is_err(), "{shown}");
    }
    // Cut at any byte, it is never taken for a whole one and never ends the agent.
    for cut in (0..IN_CALL.trim_end().len()).step_by(97) {
        if let Some(part) = IN_CALL.get(..cut) {
            assert!(status::read(part, &Expected::default()).is_err(), "{cut}");
        }
    }
}

/// A codec's web server: `answer` to whoever knows the password, else 401.
struct Codec {
    port: u16,
    asked: Arc<AtomicUsize>,
    folder: TempDir,
}

impl Codec {
    async fn start(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut request).await.unwrap() == 0 {
                        break;
                    }
                }
                let request = String::from_utf8(request).unwrap();
                assert!(request.starts_with("GET /status.xml HTTP/1.1\r\n"), "{request}");
                // nhipcau:right
                let good = request.contains("authorization: Basic bmhpcGNhdTpyaWdodA==\r\n");
                let refusal = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
                let answer = if good { answer.as_str() } else { refusal };
                // The asker may have had enough of it.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let codec = Self { port, asked, folder: tempfile::tempdir().unwrap() };
        codec.password("right");
        codec
    }

    fn password(&self, word: &str) {
        write_password(&self.folder.path().join("password"), word);
    }

    fn probe(&self) -> Probe {
        let (port, folder) = (self.port, self.folder.path().display());
        Probe::Cisco(config(&format!(
            "{{ host: 127.0.0.1, port: {port}, scheme: http, user: nhipcau, password_file: '{folder}/password' }}"
        )))
    }
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_codec_is_asked_once_and_tells_all() {
    let codec = Codec::start(ok(IN_CALL)).await;
    let found = Bench::default().run(&mut codec.probe()).await;
    assert_eq!((found.result.clone(), found.troubles().as_str()), (Ok(()), ""));
    assert_eq!(found.number("bridge_codec_in_call"), Some(1.0));
    assert_eq!(codec.asked.load(Ordering::SeqCst), 1);
    assert!(found.steps().contains("Cisco TelePresence SX20, software ce9.15.13.0a1b2c3."));
}

#[tokio::test]
async fn a_refused_password_is_sent_once_until_it_changes() {
    let codec = Codec::start(ok(IN_CALL)).await;
    codec.password("wrong");
    let (mut probe, mut bench) = (codec.probe(), Bench::default());
    for _ in 0..3 {
        let found = bench.run(&mut probe).await;
        assert_eq!(
            (found.result.clone(), found.troubles().as_str()),
            (Ok(()), "codec login_refused")
        );
        assert_eq!(found.number("bridge_codec_login_accepted"), Some(0.0));
        assert!(!format!("{found:?}").contains("wrong"), "{found:?}");
    }
    assert_eq!(codec.asked.load(Ordering::SeqCst), 1);
    codec.password("right");
    assert_eq!(bench.run(&mut probe).await.troubles(), "");
}

#[tokio::test]
async fn misbehaviour_costs_the_reading_and_says_why() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n<Status>".to_owned();
    let endless = ok(&" ".repeat(1_100_000));
    for (answer, reason, why, link) in [
        (ok("<html/>"), Reason::Protocol, "of \"html\" and not of \"Status\"", 1.0),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://10.9.9.9/\r\ncontent-length: 0\r\n\r\n".into(),
            Reason::Unexpected,
            "redirects",
            1.0,
        ),
        (
            "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".into(),
            Reason::Unexpected,
            "no session left",
            1.0,
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
            Reason::Unexpected,
            "another kind of device",
            1.0,
        ),
        (endless, Reason::Protocol, "more than 1024 KiB", 1.0),
        (ok("\u{0}\u{1}"), Reason::Protocol, "", 1.0),
        ("SSH-2.0-OpenSSH\r\n".into(), Reason::Protocol, "", 1.0),
        (head, Reason::Protocol, "", 1.0),
    ] {
        let shown: String = answer.chars().take(60).collect();
        let codec = Codec::start(answer).await;
        let found = Bench::default().run(&mut codec.probe()).await;
        assert_eq!(found.reason(), Some(reason), "{shown}: {}", found.detail());
        assert!(found.detail().contains(why), "{shown}: {}", found.detail());
        assert_eq!(found.number("bridge_codec_link_up"), Some(link), "{shown}");
        assert_eq!(found.number("bridge_codec_api_answering"), Some(0.0), "{shown}");
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let good = "host: 10.0.0.20, user: a, password_file: b";
    for more in [
        "password: c",
        "scheme: ftp",
        "fingerprint: abc",
        "expected: { cameras: -1 }",
        "expected: { tvs: 1 }",
    ] {
        assert!(serde_yaml::from_str::<Cisco>(&format!("{{ {good}, {more} }}")).is_err(), "{more}");
    }
    assert!(serde_yaml::from_str::<Cisco>("{ host: a }").is_err());
    let cisco: Cisco = config(&format!("{{ {good} }}"));
    assert_eq!(cisco.expected, Expected { cameras: 1, microphones: 0, displays: 1 });
}

#[test]
fn nothing_like_a_status_document_is_too_strange() {
    let old = "<?xml version=\"1.0\"?><Status product=\"Cisco Codec\" version=\"TC7.3.6\">\
               <Call item=\"3\" status=\"Synced\"/><SystemUnit><Uptime>99</Uptime></SystemUnit></Status>";
    crate::mutations::survives(&[IN_CALL, old], |bytes| {
        let status = status::read(&String::from_utf8_lossy(bytes), &Expected::default())?;
        let found = Bench::default().record(|run| status.record(run, "Cisco"));
        Ok::<_, String>((status, found.samples.len()))
    });
}
