use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, Found, config, write_password};

/// A Studio X of the documented shapes (Poly `VideoOS` REST API 3.x), with one session at most.
struct Studio {
    port: u16,
    log: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

type Change = Box<dyn FnOnce(&mut Pages)>;
type Pages = BTreeMap<&'static str, serde_json::Value>;

fn pages() -> Pages {
    let up = |name: &str| json!({"langtag": "X", "name": format!("system.status.{name}"), "stateList": ["up"]});
    let off = |name: &str| json!({"langtag": "X", "name": format!("system.status.{name}"), "stateList": ["off"]});
    let channel = |kind: &str, direction: &str| {
        json!({"mediaType": kind, "mediaDirection": direction, "mediaAlgorithm": "H.264", "actualBitRate": 1536,
               "actualFrameRate": 30, "jitter": 6, "packetLoss": 3, "percentPacketLoss": 0.2})
    };
    BTreeMap::from([
        (
            "/rest/system",
            json!({"model": "StudioX50", "softwareVersion": "3.14.1", "state": "AWAKE", "uptime": 86400.5, "rebootNeeded": false,
                   "lanStatus": {"duplex": "FULL", "speedMbps": 1000, "state": "LAN_UP"}}),
        ),
        (
            "/rest/system/status",
            json!([
                up("ipnetwork"),
                up("sipserver"),
                off("gatekeeper"),
                up("mr.camera"),
                off("calendar"),
                up("mr.audio")
            ]),
        ),
        ("/rest/audio", json!({"muted": true, "numOfMicsConnected": 1, "volume": 39})),
        ("/rest/conferences", json!([{"id": 5, "isActive": true, "connections": [{"id": 1}]}])),
        (
            "/rest/conferences/5/mediastats",
            json!([channel("AUDIO", "RX"), channel("VIDEO", "RX"), channel("VIDEO", "TX"), {}]),
        ),
    ])
}

impl Studio {
    async fn start(pages: Pages) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&log);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some(request) = request(&mut stream).await else { continue };
                let first =
                    request.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
                written.lock().unwrap().push(first.clone());
                let (status, body) = answer(&pages, &first, &request);
                let text = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nset-cookie: XSRF-TOKEN=tok; Path=/; Secure\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                // The asker may have had enough of it.
                let _ = stream.write_all(text.as_bytes()).await;
            }
        });
        let studio = Self { port, log, folder: tempfile::tempdir().unwrap() };
        studio.password("right");
        studio
    }

    fn password(&self, word: &str) {
        write_password(&self.folder.path().join("password"), word);
    }

    fn probe(&self) -> Probe {
        let (port, folder) = (self.port, self.folder.path().display());
        Probe::Poly(config(&format!(
            "{{ host: 127.0.0.1, port: {port}, scheme: http, password_file: '{folder}/password' }}"
        )))
    }

    fn count(&self, of: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.starts_with(of)).count()
    }
}

/// One whole request.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn answer(pages: &Pages, first: &str, request: &str) -> (u16, String) {
    let of_session = request.contains("cookie: session_id=PSN0; XSRF-TOKEN=tok\r\n")
        && request.contains("x-xsrf-token: tok\r\n");
    match first.split_once(' ').unwrap() {
        ("POST", "/rest/current/session") => {
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            if body == json!({"user": "admin", "password": "right"}) {
                (200, json!({"success": true, "session": {"sessionId": "PSN0"}}).to_string())
            } else {
                (200, json!({"success": false, "reason": "LOGIN_FAILED"}).to_string())
            }
        }
        _ if !of_session => (403, String::new()),
        ("DELETE", "/rest/current/session") => (200, "{}".to_owned()),
        ("GET", path) => match pages.get(path) {
            Some(serde_json::Value::String(raw)) => (200, raw.clone()),
            Some(page) => (200, page.to_string()),
            None => (404, String::new()),
        },
        other => panic!("a probe only reads: {other:?}"),
    }
}

async fn run(change: impl FnOnce(&mut Pages)) -> (Found, Studio) {
    let mut pages = pages();
    change(&mut pages);
    let studio = Studio::start(pages).await;
    let found = Bench::default().run(&mut studio.probe()).await;
    (found, studio)
}

#[tokio::test]
async fn a_codec_in_a_good_call_stands_on_the_highest_rung_and_its_session_is_closed() {
    let (found, studio) = run(|_| {}).await;
    assert_eq!((found.result.clone(), found.troubles().as_str()), (Ok(()), ""));
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
    assert_eq!(found.labels("bridge_device_info"), ["StudioX50 3.14.1"]);
    assert_eq!(
        found.labels("bridge_media_loss_ratio"),
        ["audio_receive", "video_receive", "video_transmit"]
    );
    assert_eq!(found.number_of("bridge_media_loss_ratio", "video_receive"), Some(0.002));
    assert_eq!(found.number_of("bridge_media_jitter_seconds", "video_receive"), Some(0.006));
    assert_eq!(found.number_of("bridge_media_bytes_per_second", "video_receive"), Some(192_000.0));
    assert_eq!((studio.count("POST"), studio.count("DELETE")), (1, 1));
}

#[tokio::test]
async fn everything_that_stands_between_a_codec_and_a_meeting_is_told() {
    let state = |name: &'static str, state: &'static str| {
        move |pages: &mut Pages| {
            let line = json!([{"name": format!("system.status.{name}"), "stateList": [state]}]);
            pages.insert("/rest/system/status", line);
        }
    };
    let set = |page: &'static str, key: &'static str, value: serde_json::Value| {
        move |pages: &mut Pages| pages.get_mut(page).unwrap()[key] = value
    };
    let cases: Vec<(Change, &str)> = vec![
        (Box::new(state("sipserver", "down")), "codec not_registered"),
        (Box::new(state("sipserver", "off")), ""),
        (Box::new(state("mr.camera", "down")), "camera fault_reported"),
        (Box::new(state("remotecontrol", "down")), "codec warning_reported"),
        (Box::new(set("/rest/audio", "numOfMicsConnected", json!(0))), "microphone unplugged"),
        (Box::new(set("/rest/audio", "volume", json!(0))), "speaker silent"),
        (Box::new(set("/rest/system", "rebootNeeded", json!(true))), "codec warning_reported"),
        (
            Box::new(set("/rest/system", "lanStatus", json!({"duplex": "HALF"}))),
            "codec half_duplex",
        ),
        (
            Box::new(|pages: &mut Pages| {
                pages.insert("/rest/conferences", json!([]));
                pages.get_mut("/rest/system").unwrap()["state"] = json!("ASLEEP");
            }),
            "codec standby",
        ),
        // What a version does not have is not known, and no fault.
        (Box::new(|pages: &mut Pages| drop(pages.remove("/rest/audio"))), ""),
    ];
    for (at, (change, troubles)) in cases.into_iter().enumerate() {
        let (found, _) = run(change).await;
        assert_eq!((found.result.clone(), found.troubles().as_str()), (Ok(()), troubles), "{at}");
    }
}

#[tokio::test]
async fn half_answers_cost_the_reading_and_no_session() {
    for raw in ["", "{\"model\":", "<html>Login</html>", "\u{0}"] {
        let (found, studio) = run(|pages| drop(pages.insert("/rest/system", json!(raw)))).await;
        assert_eq!(found.reason(), Some(Reason::Protocol), "{raw}: {}", found.detail());
        assert_eq!(found.number("bridge_codec_api_answering"), Some(0.0));
        assert_eq!((studio.count("POST"), studio.count("DELETE")), (1, 1), "{raw}");
    }
    // Valid JSON of any other shape tells nothing and ends nothing.
    for strange in
        [json!([]), json!(7), json!({"model": 7, "uptime": "x", "lanStatus": []}), json!(null)]
    {
        let (found, _) = run(|pages| drop(pages.insert("/rest/system", strange.clone()))).await;
        assert_eq!(found.result, Ok(()), "{strange}");
    }
    let (found, studio) = run(|pages| drop(pages.remove("/rest/system"))).await;
    assert_eq!(found.reason(), Some(Reason::Unexpected));
    assert_eq!(studio.count("DELETE"), 1);
}

#[tokio::test]
async fn a_run_that_is_cut_off_leaves_no_session_behind() {
    let studio = Studio::start(pages()).await;
    let secret =
        PasswordFile::read(&config(&format!("'{}/password'", studio.folder.path().display())));
    let host = Host::loopback();
    let port = NonZeroU16::new(studio.port);
    let site = Site { host: &host, port, scheme: Scheme::Http, ca_file: None, fingerprint: None };
    let visit = Web::default().visit(&site, Duration::from_secs(20)).await.unwrap();
    let opened = Session::open(visit, "admin", &secret.unwrap()).await.unwrap();
    assert_eq!((studio.count("POST"), studio.count("DELETE")), (1, 0));
    drop(opened);
    while studio.count("DELETE") == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refused_password_is_sent_once_until_it_changes() {
    let studio = Studio::start(pages()).await;
    studio.password("wrong");
    let (mut probe, mut bench) = (studio.probe(), Bench::default());
    for _ in 0..3 {
        let found = bench.run(&mut probe).await;
        assert_eq!(
            (found.result.clone(), found.troubles().as_str()),
            (Ok(()), "codec login_refused")
        );
        assert!(!format!("{found:?}").contains("wrong"), "{found:?}");
    }
    assert_eq!(studio.count("POST"), 1);
    studio.password("right");
    assert_eq!(bench.run(&mut probe).await.troubles(), "");
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    for (yaml, fault) in [
        ("{ host: a }", "needs a password_file"),
        ("{ host: a, api: telnet }", "unknown variant"),
        ("{ host: a, password_file: b, password: c }", "unknown field"),
    ] {
        let error = serde_yaml::from_str::<Poly>(yaml).unwrap_err().to_string();
        assert!(error.contains(fault), "{yaml}: {error}");
    }
    let _: Poly = config("{ host: a, api: snmp }");
}

#[test]
fn nothing_like_the_pages_of_a_codec_is_too_strange() {
    let shapes: Vec<String> = pages().values().map(ToString::to_string).collect();
    crate::mutations::survives(&shapes, |bytes| {
        let page: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        let statistics = std::slice::from_ref(&page);
        Some(status::judge(&page, &page, &page, (&page, statistics)))
    });
}
