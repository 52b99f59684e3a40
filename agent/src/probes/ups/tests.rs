use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, Found, config};

/// A server that gives each of `answers` to one question of one connection.
async fn server(answers: Vec<Vec<u8>>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut questions = Vec::new();
        for answer in answers {
            let mut question = vec![0; 256];
            let length = stream.read(&mut question).await.unwrap();
            questions.push(String::from_utf8_lossy(&question[..length]).into_owned());
            stream.write_all(&answer).await.unwrap();
        }
        questions
    });
    (port, serving)
}

async fn run(options: &str, port: u16) -> Found {
    let yaml = format!("{{ port: {port}{options} }}");
    Bench::default().run(&mut Probe::Ups(config(&yaml))).await
}

fn list(what: &str, lines: &str) -> Vec<u8> {
    format!("BEGIN LIST {what}\n{lines}END LIST {what}\n").into_bytes()
}

#[tokio::test]
async fn every_ups_of_a_nut_server_is_told_of() {
    let one = "VAR one ups.status \"OL CHRG\"\nVAR one battery.charge \"97\"\nVAR one battery.runtime \"1240\"\n";
    let two = "VAR two ups.status \"OB LB\"\nVAR two ups.load \"120\"\n";
    let (port, serving) = server(vec![
        list("UPS", "UPS one \"Room\"\nUPS two \"Rack\"\nUPS three \"Gone\"\n"),
        list("VAR one", one),
        list("VAR two", two),
        b"ERR DRIVER-NOT-CONNECTED\n".to_vec(),
    ])
    .await;
    let found = run("", port).await;
    assert_eq!(found.result, Ok(()));
    assert_eq!(
        serving.await.unwrap(),
        ["LIST UPS\n", "LIST VAR one\n", "LIST VAR two\n", "LIST VAR three\n"]
    );
    assert_eq!(found.number_of("bridge_ups_mains_online", "one"), Some(1.0));
    assert_eq!(found.number_of("bridge_ups_runtime_seconds", "one"), Some(1240.0));
    assert_eq!(found.number_of("bridge_ups_mains_online", "two"), Some(0.0));
    assert_eq!(found.number_of("bridge_ups_load_ratio", "two"), Some(1.2));
    assert_eq!(found.number_of("bridge_ups_mains_online", "three"), None);
    assert_eq!(found.troubles(), "two battery_empty, three out_of_touch");
    assert!(found.steps().contains("UPS one says: OL CHRG. There is mains power."));
    assert!(found.steps().contains("carries the present load for about 21 min."));
}

#[tokio::test]
async fn one_ups_is_asked_for_by_its_name() {
    let (port, serving) = server(vec![b"ERR UNKNOWN-UPS\n".to_vec()]).await;
    let found = run(", name: cellar", port).await;
    assert_eq!(found.reason(), Some(Reason::Absent));
    assert!(found.detail().ends_with("UNKNOWN-UPS cellar"), "{}", found.detail());
    assert_eq!(serving.await.unwrap(), ["LIST VAR cellar\n"]);
}

#[tokio::test]
async fn strangers_in_place_of_the_server_are_told_apart() {
    let endless = || list("UPS", &"UPS x \"y\"\n".repeat(4000));
    let cases: Vec<(&str, Vec<u8>, Reason)> = vec![
        ("", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Reason::Protocol),
        ("", b"BEGIN LIST UPS\n".to_vec(), Reason::Protocol),
        ("", endless(), Reason::Protocol),
        ("", list("UPS", ""), Reason::Absent),
        ("", b"ERR ACCESS-DENIED\n".to_vec(), Reason::Denied),
        (", protocol: apcupsd", b"\xff\xff".to_vec(), Reason::Protocol),
        (", protocol: apcupsd", b"\0\x10Invalid command\n\0\0".to_vec(), Reason::Protocol),
    ];
    for (options, answer, reason) in cases {
        let shown = String::from_utf8_lossy(&answer).chars().take(40).collect::<String>();
        let (port, serving) = server(vec![answer]).await;
        let found = run(options, port).await;
        assert_eq!(found.reason(), Some(reason), "{shown}: {}", found.detail());
        serving.abort();
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    for yaml in
        ["{ name: \"a b\" }", "{ name: \"\" }", "{ protocol: usb }", "{ port: 0 }", "{ hst: a }"]
    {
        assert!(serde_yaml::from_str::<Ups>(yaml).is_err(), "{yaml}");
    }
    let ups: Ups = config("{}");
    assert_eq!((ups.host.to_string().as_str(), ups.protocol), ("127.0.0.1", Protocol::Nut));
}
