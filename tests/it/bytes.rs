//! What is sent to the conference service, in the eyes of those who know the standards: Wireshark
//! reads it, and sipp plays the other end as its script says.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::thread::JoinHandle;

use tests::agent::once;
use tests::program::{Program, finish, mortal, said};
use tests::{ports, wait};

/// What Wireshark says of a datagram at this port of a server; `None` where it is missing.
fn wireshark(port: u16, bytes: &[u8]) -> Option<String> {
    if !Path::new("/usr/bin/tshark").exists() || !Path::new("/usr/bin/text2pcap").exists() {
        println!("SKIPPED: tshark is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (text, pcap) = (folder.path().join("hex"), folder.path().join("pcap"));
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(&text, format!("0000 {}\n", hex.join(" "))).unwrap();
    let mut command = mortal("/usr/bin/text2pcap");
    command.args(["-q", "-u", &format!("40001,{port}")]).arg(&text).arg(&pcap);
    let made = finish(command);
    assert!(made.status.success(), "{}", said(&made));
    let mut command = mortal("/usr/bin/tshark");
    command.args(["-V", "-r"]).arg(&pcap);
    Some(said(&finish(command)))
}

/// Wireshark finds all these parts in the bytes, and nothing to object to.
fn reads(port: u16, bytes: &[u8], parts: &[&str]) {
    let Some(read) = wireshark(port, bytes) else { return };
    for part in parts {
        assert!(read.contains(part), "{part} in {read}");
    }
    for objection in ["Malformed", "malformed", "Expert Info (Warning", "Expert Info (Error"] {
        assert!(!read.contains(objection), "{read}");
    }
}

/// What came and what went back.
type Heard = JoinHandle<(Vec<u8>, Vec<u8>)>;

/// A server that hears one datagram and answers what `answer` makes of it.
fn server(answer: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static) -> (u16, Heard) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let mut datagram = [0; 2048];
        let (length, from) = socket.recv_from(&mut datagram).unwrap();
        let answer = answer(&datagram[..length]);
        socket.send_to(&answer, from).unwrap();
        (datagram[..length].to_vec(), answer)
    });
    (port, heard)
}

/// Of `GatekeeperRequest` there is no server in Debian.
#[test]
fn what_is_sent_to_a_gatekeeper_is_what_wireshark_calls_a_gatekeeper_request() {
    let (port, heard) = server(|question| {
        // GatekeeperConfirm of "GK-TINH" at 10.20.30.1:1719.
        let head = [&[0x04, 0x80], &question[2..11], &[0x0C]].concat();
        let name: Vec<u8> = "GK-TINH".encode_utf16().flat_map(u16::to_be_bytes).collect();
        [head, name, vec![0x00, 10, 20, 30, 1, 0x06, 0xB7]].concat()
    });
    let (said, good) = once(&format!(
        "{{ h323: {{ server: 127.0.0.1, check: [gatekeeper], gatekeeper_port: {port} }} }}"
    ));
    assert!(good && said.contains("it would serve (GK-TINH)"), "{said}");
    let (question, answer) = heard.join().unwrap();
    reads(1719, &question, &["gatekeeperRequest", "endpointAlias: 1 item", "h323-ID: nhipcau"]);
    let parts = ["gatekeeperConfirm", "gatekeeperIdentifier: GK-TINH", "ip: 10.20.30.1"];
    reads(1719, &answer, &parts);
}

#[test]
fn what_is_sent_to_a_sip_server_is_what_wireshark_calls_options() {
    let (port, heard) = server(|question| {
        let text = String::from_utf8(question.to_vec()).unwrap();
        let same = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "].map(|name| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            format!("{line}\r\n")
        });
        format!("SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n", same.concat()).into_bytes()
    });
    let (said, good) = once(&format!("{{ sip: {{ server: 127.0.0.1, port: {port} }} }}"));
    assert!(good && said.contains(": 200 OK."), "{said}");
    let (question, answer) = heard.join().unwrap();
    let line = format!("Request-Line: OPTIONS sip:127.0.0.1:{port} SIP/2.0");
    let parts = [
        line.as_str(),
        "Max-Forwards: 70",
        "RPort: rport",
        "SIP from address User Part: nhipcau",
        "Sequence Number: 1",
        "Content-Length: 0",
    ];
    reads(5060, &question, &parts);
    reads(5060, &answer, &["Status-Line: SIP/2.0 200 OK"]);
}

#[test]
fn what_is_asked_over_stun_is_what_wireshark_calls_a_binding_and_an_allocation() {
    let answer = |kind: u16, attributes: &'static [u8]| {
        move |question: &[u8]| {
            let length = u16::try_from(attributes.len()).unwrap();
            let head = [kind.to_be_bytes(), length.to_be_bytes()].concat();
            [&head, &question[4..20], attributes].concat()
        }
    };
    // 203.0.113.9:43142, hidden as the standard has it.
    let mapped = b"\0\x20\0\x08\0\x01\x89\x94\xEA\x12\xD5\x4B";
    let (port, heard) = server(answer(0x0101, mapped));
    let (said, good) = once(&format!("{{ stun: {{ server: 127.0.0.1, port: {port} }} }}"));
    assert!(good && said.contains("203.0.113.9:43142"), "{said}");
    let (question, answered) = heard.join().unwrap();
    reads(3478, &question, &["Message Type: 0x0001 (Binding Request)", "Message Cookie: 2112a442"]);
    reads(3478, &answered, &["Binding Success Response", "IP: 203.0.113.9"]);

    let error = b"\0\x09\0\x10\0\0\x04\x01Unauthorized\0\x14\0\x04tinh";
    let (port, heard) = server(answer(0x0113, error));
    let (said, good) = once(&format!("{{ turn: {{ server: 127.0.0.1, port: {port} }} }}"));
    assert!(good && said.contains("(realm tinh, code 401)"), "{said}");
    let (question, answered) = heard.join().unwrap();
    reads(3478, &question, &["Message Type: 0x0003 (Allocate Request)", "REQUESTED-TRANSPORT"]);
    reads(3478, &answered, &["Allocate Error Response", "REALM", "Unauthorized"]);
}

/// One message of a script: an answer that repeats what has to be repeated.
fn send(status: &str, more: &str) -> String {
    format!(
        "<send><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]a[call_number]\n\
         [last_Call-ID:]\n[last_CSeq:]\n{more}Content-Length: 0\n\n]]></send>"
    )
}

/// Debian's sipp over this transport (`u1`, `t1`), which plays this for each call; `None` where it
/// is missing.
struct Sipp {
    port: u16,
    _folder: tempfile::TempDir,
    _program: Program,
}

impl Sipp {
    fn playing(transport: &str, script: &str) -> Option<Self> {
        if !Path::new("/usr/bin/sipp").exists() {
            println!("SKIPPED: sipp is not installed");
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), ports::free());
        let head = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?><scenario name=\"server\">";
        let whole = format!("{head}<recv request=\"OPTIONS\"/>{script}</scenario>");
        fs::write(folder.path().join("server.xml"), whole).unwrap();
        let mut command = mortal("/usr/bin/sipp");
        command.current_dir(folder.path());
        command.args(["-sf", "server.xml", "-i", "127.0.0.1", "-nostdin", "-t", transport]);
        let program = Program::start("sipp", {
            command.args(["-p", &port.to_string()]);
            command
        });
        wait::until("a listening sipp", || {
            // Where it listens, nobody else can.
            let address = ("127.0.0.1", port);
            let free = match transport {
                "u1" => UdpSocket::bind(address).is_ok(),
                _ => TcpListener::bind(address).is_ok(),
            };
            wait::seen(!free, || "its port is free".to_owned())
        });
        Some(Self { port, _folder: folder, _program: program })
    }
}

#[test]
fn sipp_is_answered_like_a_server_over_udp_and_tcp() {
    for (transport, over) in [("u1", "udp"), ("t1", "tcp")] {
        // First that it is being looked at, which is no answer yet.
        let script = send("100 Trying", "") + &send("200 OK", "Server: SIPp\n");
        let Some(sipp) = Sipp::playing(transport, &script) else { return };
        let probe =
            format!("{{ sip: {{ server: 127.0.0.1, port: {}, transport: {over} }} }}", sipp.port);
        let (said, good) = once(&probe);
        assert!(good && said.contains("(SIPp) answered OPTIONS over"), "{said}");
        assert!(said.contains(": 200 OK."), "{said}");
    }
}

#[test]
fn sipp_believes_the_digest_of_whoever_knows_the_password_and_of_nobody_else() {
    let challenge = send(
        "401 Unauthorized",
        "WWW-Authenticate: Digest realm=\"tinh\", nonce=\"47ebe028cda119c3\", algorithm=MD5, qop=\"auth\"\n",
    );
    let script = format!(
        "{challenge}<recv request=\"OPTIONS\"><action><verifyauth assign_to=\"known\" username=\"th-0316\" \
         password=\"zanzibar\"/></action></recv><nop next=\"1\" test=\"known\"/>{}<label id=\"1\"/>{}<label id=\"2\"/>",
        send("403 Forbidden", "").replace("<send>", "<send next=\"2\">"),
        send("200 OK", "")
    );
    let Some(sipp) = Sipp::playing("u1", &script) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let probe = format!(
        "{{ sip: {{ server: 127.0.0.1, port: {}, user: th-0316, password_file: {} }} }}",
        sipp.port,
        file.display()
    );
    for (password, proven, part) in
        [("zanzibar", true, ": 200 OK."), ("biloxi", false, "refused the password of th-0316")]
    {
        fs::write(&file, password).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let (said, good) = once(&probe);
        assert_eq!(good, proven, "{said}");
        assert!(said.contains(part) && !said.contains("biloxi"), "{said}");
    }
}
