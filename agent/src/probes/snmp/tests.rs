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

/// The values of an answer in BER (RFC 3416 § 3), broken as the tests of all that read them want.
pub(in super::super) fn nothing_is_too_strange<R: std::fmt::Debug>(
    values: &[&[u8]],
    mut read: impl FnMut(&[Option<Value>]) -> R,
) {
    let tlv = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        [&[tag, 0x81, length], content].concat()
    };
    let binding = |value: &&[u8]| tlv(0x30, &[b"\x06\x03\x2B\x06\x01", *value].concat());
    let bindings: Vec<Vec<u8>> = values.iter().map(binding).collect();
    let head = b"\x02\x01\x07\x02\x01\0\x02\x01\0";
    let pdu = tlv(0xA2, &[head.to_vec(), tlv(0x30, &bindings.concat())].concat());
    let message = tlv(0x30, &[b"\x02\x01\x01\x04\x06public".to_vec(), pdu].concat());
    let mut answers = 0;
    crate::mutations::survives(&[message], |bytes| {
        let config = async_snmp::DecodeConfig::default();
        let decoded = async_snmp::message::Message::decode(bytes.to_vec().into(), config).ok()?;
        let pdu = decoded.value.into_pdu()?;
        let values: Vec<_> =
            pdu.varbinds().iter().map(|binding| Some(binding.value.clone())).collect();
        answers += 1;
        Some(read(&values))
    });
    assert!(answers > 0, "the good answer is one at least");
}

#[test]
fn nothing_like_the_values_of_a_device_is_too_strange() {
    let watches: Watches = config(
        "{ a: { oid: 1.3.6.1.4.1.1.0, fail_above: 75 }, b: { oid: 1.3.6.1.4.1.2.0, good: [up, 1] } }",
    );
    let values: [&[u8]; 5] = [
        b"\x04\x0BHuawei TE30",
        b"\x06\x09\x2B\x06\x01\x04\x01\x8F\x5B\x02\x01",
        b"\x43\x03\x05\x7E\x40",
        b"\x02\x01\x2A",
        b"\x80\0",
    ];
    nothing_is_too_strange(&values, |values| {
        let found = Bench::default().record(|run| watches.record(run, values));
        (Identity::of(values), found.samples.len())
    });
}
