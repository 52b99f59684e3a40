use domain::base::message_builder::AnswerBuilder;
use domain::base::{Message, MessageBuilder, Name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, Found, config};

type Query = Message<Vec<u8>>;
type Reply = AnswerBuilder<Vec<u8>>;

/// A name server that sends what `reply` makes of each query, whatever that is.
async fn server(reply: impl Fn(&Query) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    serve(UdpSocket::bind("127.0.0.1:0").await.unwrap(), reply)
}

fn serve(socket: UdpSocket, reply: impl Fn(&Query) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let query = Message::from_octets(buffer[..length].to_vec()).unwrap();
            for datagram in reply(&query) {
                socket.send_to(&datagram, from).await.unwrap();
            }
        }
    });
    address
}

/// One that cuts its answers short, and gives whole ones over TCP at the same port, to one
/// connection.
async fn truncating_server(over_tcp: impl Fn(&Query) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let (socket, listener) = loop {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        // The port that is free for UDP may be taken for TCP.
        if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
            break (socket, listener);
        }
    };
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut query).await.unwrap();
        stream.write_all(&over_tcp(&Message::from_octets(query).unwrap())).await.unwrap();
    });
    serve(socket, truncated)
}

fn reply(query: &Query, rcode: Rcode) -> Reply {
    MessageBuilder::new_vec().start_answer(query, rcode).unwrap()
}

fn with_address(query: &Query, address: [u8; 4]) -> Reply {
    let mut reply = reply(query, Rcode::NOERROR);
    let name = query.sole_question().unwrap().qname().to_owned();
    reply.push((name, 60, A::new(address.into()))).unwrap();
    reply
}

async fn ask(server: SocketAddr, more: &str) -> Found {
    ask_within(Duration::from_secs(20), server, more).await
}

async fn ask_within(timeout: Duration, server: SocketAddr, more: &str) -> Found {
    let yaml = format!("{{ name: mcu.tinh.gov.vn, server: \"{server}\"{more} }}");
    Bench::within(timeout).run(&mut Probe::Dns(config(&yaml))).await
}

/// Long enough for an answer from this PC, short enough to wait for none.
const BRIEF: Duration = Duration::from_millis(600);

#[tokio::test]
async fn an_answer_gives_its_records_and_code() {
    let server = server(|query| vec![with_address(query, [10, 0, 0, 10]).finish()]).await;
    let found = ask(server, ", expect: 10.0.0.10").await;
    assert_eq!(found.result, Ok(()));
    assert_eq!(found.number("bridge_probe_dns_answers"), Some(1.0));
    assert_eq!(found.number("bridge_probe_dns_rcode"), Some(0.0));
    assert!(found.steps().contains("records: 10.0.0.10"), "{}", found.steps());
}

#[tokio::test]
async fn another_answer_than_the_expected_one_is_told() {
    let server = server(|query| vec![with_address(query, [192, 168, 1, 1]).finish()]).await;
    let found = ask(server, ", expect: 10.0.0.10").await;
    assert_eq!(found.reason(), Some(Reason::Unexpected));
    let detail = format!("{server} on mcu.tinh.gov.vn A: expected 10.0.0.10, got 192.168.1.1");
    assert_eq!(found.detail(), detail);
}

#[tokio::test]
async fn a_servers_no_is_unexpected_and_named() {
    for (rcode, name, code) in [
        (Rcode::NXDOMAIN, "NXDOMAIN", 3.0),
        (Rcode::SERVFAIL, "SERVFAIL", 2.0),
        (Rcode::REFUSED, "REFUSED", 5.0),
        (Rcode::NOERROR, "no such record", 0.0),
    ] {
        let server = server(move |query| vec![reply(query, rcode).finish()]).await;
        let found = ask(server, "").await;
        assert_eq!(found.reason(), Some(Reason::Unexpected), "{name}");
        assert!(found.detail().ends_with(&format!(": {name}")), "{}", found.detail());
        assert_eq!(found.number("bridge_probe_dns_rcode"), Some(code));
        assert_eq!(found.number("bridge_probe_dns_answers"), Some(0.0));
    }
}

#[tokio::test]
async fn a_closed_port_refuses_and_a_silent_one_times_out() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    assert_eq!(ask_within(BRIEF, address, "").await.reason(), Some(Reason::Timeout));
    drop(silent);
    assert_eq!(ask(address, "").await.reason(), Some(Reason::Refused));
}

#[tokio::test]
async fn forged_and_torn_answers_are_passed_over_for_the_true_one() {
    let server = server(|query| {
        let mut forged = with_address(query, [6, 6, 6, 6]);
        let other = query.header().id().wrapping_add(1);
        forged.header_mut().set_id(other);
        vec![vec![7], forged.finish(), with_address(query, [10, 0, 0, 10]).finish()]
    })
    .await;
    let found = ask(server, ", expect: 10.0.0.10").await;
    assert_eq!(found.result, Ok(()));
}

#[tokio::test]
async fn answers_to_other_questions_alone_are_a_fault_of_the_protocol() {
    let server = server(|query| {
        let mut question = MessageBuilder::new_vec().question();
        question.push((Name::vec_from_str("other.example").unwrap(), Rtype::A)).unwrap();
        let mut reply = question.answer();
        reply.header_mut().set_qr(true);
        reply.header_mut().set_id(query.header().id());
        vec![reply.finish()]
    })
    .await;
    let found = ask_within(BRIEF, server, "").await;
    assert_eq!(found.reason(), Some(Reason::Protocol));
    assert!(found.detail().contains("none of them to this question"), "{}", found.detail());
}

#[tokio::test]
async fn an_answer_with_broken_records_is_a_fault_of_the_protocol() {
    let server = server(|query| {
        let mut answer = with_address(query, [10, 0, 0, 10]).finish();
        answer.truncate(answer.len() - 2);
        vec![answer]
    })
    .await;
    assert_eq!(ask(server, "").await.reason(), Some(Reason::Protocol));
}

fn truncated(query: &Query) -> Vec<Vec<u8>> {
    let mut answer = reply(query, Rcode::NOERROR);
    answer.header_mut().set_tc(true);
    vec![answer.finish()]
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let server = truncating_server(|query| {
        let answer = with_address(query, [10, 0, 0, 10]).finish();
        let length = u16::try_from(answer.len()).unwrap();
        [&length.to_be_bytes(), answer.as_slice()].concat()
    })
    .await;
    let found = ask(server, "").await;
    assert_eq!(found.result, Ok(()));
    assert_eq!(found.number("bridge_probe_dns_answers"), Some(1.0));
    assert!(found.steps().contains("over TCP"), "{}", found.steps());
}

#[tokio::test]
async fn half_an_answer_over_tcp_is_a_fault_of_the_protocol() {
    for sent in [vec![], vec![0], vec![0xff, 0xff, 1, 2, 3], vec![0, 1, 1]] {
        let bytes = sent.clone();
        let server = truncating_server(move |_| bytes.clone()).await;
        assert_eq!(ask(server, "").await.reason(), Some(Reason::Protocol), "{sent:?}");
    }
}

#[test]
fn an_address_stands_for_its_reverse_name() {
    let dns: Dns = config("{ name: 10.0.0.10 }");
    assert_eq!(dns.name.name.to_string(), "10.0.0.10.in-addr.arpa");
    assert_eq!(dns.record_type(), RecordType::Ptr);
    assert_eq!(config::<Dns>("{ name: a.b }").record_type(), RecordType::A);
}

#[test]
fn a_record_says_its_text_or_a_word_of_it() {
    for (record, expect, says_it) in [
        ("10.0.0.10", "10.0.0.10", true),
        ("10.0.0.100", "10.0.0.10", false),
        ("Mcu.Tinh.gov.vn.", "mcu.tinh.gov.vn", true),
        ("10 5 5060 sip.tinh.gov.vn.", "sip.tinh.gov.vn", true),
        ("10 5 5060 sip.tinh.gov.vn.", "10 5 5060 sip.tinh.gov.vn", true),
        ("\"v=spf1 -all\"", "v=spf1 -all", true),
    ] {
        assert_eq!(says(record, expect), says_it, "{record} {expect}");
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_what_would() {
    for (yaml, message) in [
        ("{ name: \"a..b\" }", "is not a name to ask for"),
        ("{ name: a, server: dns.example }", "is not the address of a server"),
        ("{ name: a, type: a }", "expected one of `A`, `AAAA`"),
        ("{}", "missing field `name`"),
    ] {
        let error = serde_yaml::from_str::<Dns>(yaml).unwrap_err().to_string();
        assert!(error.contains(message), "{yaml}: {error}");
    }
}

#[test]
fn nothing_like_an_answer_is_too_strange() {
    use domain::base::Ttl;
    use domain::rdata::{Srv, Txt};
    let asked: Dns = config("{ name: mcu.tinh.gov.vn, type: SRV }");
    let query = asked.query().unwrap();
    let name = asked.name.name.clone();
    let mut full = with_address(&query, [10, 0, 0, 10]);
    let ttl = Ttl::from_secs(60);
    full.push((&name, ttl, Srv::new(10, 5, 5060, name.clone()))).unwrap();
    full.push((&name, ttl, Txt::<Vec<u8>>::build_from_slice(b"v=spf1 -all").unwrap())).unwrap();
    let shapes =
        [full.finish(), truncated(&query).remove(0), reply(&query, Rcode::NXDOMAIN).finish()];
    let server = "127.0.0.1:53".parse().unwrap();
    let types = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]
        .map(|kind| config::<Dns>(&format!("{{ name: mcu.tinh.gov.vn, type: {kind} }}")));
    crate::mutations::survives(&shapes, |bytes| {
        let message = Message::from_octets(bytes.to_vec()).ok()?;
        let judged = types.each_ref().map(|dns| {
            let mut judged = Ok(());
            let found = Bench::default().record(|run| judged = dns.judge(run, server, &message));
            (judged, found.samples.len())
        });
        Some((message.is_answer(&query), judged))
    });
}
