use tokio::net::UdpSocket;
use wire::reading::Reason;

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, config};

#[test]
fn an_identity_is_what_the_system_group_says() {
    let values = [
        Some(Value::OctetString("  Huawei TE30\r\nV600R019\n".into())),
        Some(Value::ObjectIdentifier(oid(&[1, 3, 6, 1, 4, 1, 2011, 2, 299]))),
        Some(Value::TimeTicks(360_000)),
        Some(Value::OctetString("\u{1b}[31m".into())),
    ];
    let identity = Identity::of(&values);
    assert_eq!(identity.description.as_deref(), Some("Huawei TE30"));
    assert_eq!(identity.maker, Some("Huawei"));
    assert_eq!(identity.uptime, Some(Duration::from_hours(1)));
    assert_eq!(identity.name.as_deref(), Some("[31m"), "nothing a terminal would obey");
    assert_eq!(Identity::of(&[]), Identity::default());
    assert_eq!(maker(&oid(&[1, 3, 6, 1, 4, 1])), None);
    assert_eq!(maker(&oid(&[1, 3, 6, 1, 4, 1, 99_999, 1])), None);
}

/// Answers every datagram with `answer`.
async fn stranger(answer: &'static [u8]) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut question = [0; 2048];
        loop {
            let (_, from) = socket.recv_from(&mut question).await.unwrap();
            socket.send_to(answer, from).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn no_stranger_is_taken_for_an_agent() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        b"",
        // A sequence that claims four gigabytes, one without an end, and one inside another.
        b"\x30\x84\xff\xff\xff\xff\x02\x01\x01",
        b"\x30\x80\x02\x01\x01",
        b"\x30\x82\x10\x00\x30\x82\x0f\xfc\x30\x82\x0f\xf8",
        // Version 2c, another community, a response to nobody's request.
        b"\x30\x1c\x02\x01\x01\x04\x05other\xa2\x10\x02\x04\x00\x00\x00\x01\x02\x01\x00\x02\x01\x00\x30\x02\x30\x00",
    ] {
        let port = stranger(answer).await;
        let mut probe = Probe::Snmp(config(&format!("{{ host: 127.0.0.1, port: {port} }}")));
        let found = Bench::within(Duration::from_millis(600)).run(&mut probe).await;
        let reason = found.reason();
        assert!(
            matches!(reason, Some(Reason::Timeout | Reason::Protocol)),
            "{answer:?}: {:?}",
            found.result
        );
    }
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let mut probe = Probe::Snmp(config(&format!("{{ host: 127.0.0.1, port: {port} }}")));
    let found = Bench::within(Duration::from_secs(2)).run(&mut probe).await;
    assert!(
        matches!(found.reason(), Some(Reason::Refused | Reason::Timeout)),
        "{:?}",
        found.result
    );
}
