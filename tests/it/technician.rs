//! What `enroll` tells the technician when it fails: each trouble is a real one, and the words name
//! it, in Vietnamese and in English.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tests::agent::Agent;
use tests::client::{Client, hex};
use tests::collector::{Collector, inventory};
use tests::tinyproxy::Tinyproxy;
use tests::wan::{Conditions, FAR, Wan};
use tests::{http, program, wait};
use wire::enrolment::{Code, EnrolRequest, SECRET_BYTES};
use wire::limits;

const SITE: &str = "th-0001";

/// A code that leads to an address; nobody ever made it.
fn leading_to(host: &str, port: u16) -> Code {
    Code { host: host.into(), port, secret: [3; SECRET_BYTES], pin: [3; 16] }
}

fn at(address: SocketAddr) -> Code {
    leading_to(&address.ip().to_string(), address.port())
}

/// Types the code in both languages: it fails, says `vi` and `en`, and leaves no identity.
#[track_caller]
fn fails(agent: &Agent, code: &Code, vi: &str, en: &str) {
    for (language, expected) in [("vi", vi), ("en", en)] {
        let output = agent.do_command(&["--lang", language, "enroll", &code.to_string()]);
        let said = program::said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "expected {expected:?} in:\n{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    assert!(!agent.state_dir().join("identity.json").exists());
}

/// A port whose connections `end` takes.
fn port(end: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(end));
    address
}

#[test]
fn what_is_wrong_on_the_line_is_told_apart() {
    let wan = match Wan::start(Conditions::default()) {
        Ok(wan) => wan,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    for route in [["prohibit", "10.99.0.0/16"], ["unreachable", "10.98.0.0/16"]] {
        let added =
            wan.inside(move || Command::new("ip").args(["route", "add"]).args(route).output());
        assert!(added.unwrap().status.success());
    }
    let cases: [(&str, &str, &str); 5] = [
        // No route at all: the cable is out.
        ("192.0.2.1", "không có đường đi tới đó", "there is no route to it"),
        // Somebody says that this host is out of reach.
        ("10.98.0.1", "không có đường đi tới đó", "there is no route to it"),
        // A firewall that drops.
        (&FAR.to_string(), "không trả lời trong thời hạn", "did not answer in time"),
        // This PC's own rules.
        ("10.99.0.1", "tường lửa của chính máy này", "this PC's own firewall"),
        // A name, and nobody to ask.
        ("collector.tinh.gov.vn", "không máy chủ DNS nào trả lời", "no name server answers"),
    ];
    for (host, vi, en) in cases {
        let (code, vi, en) = (leading_to(host, 8443), vi.to_owned(), en.to_owned());
        wan.inside(move || fails(&Agent::new(""), &code, &vi, &en));
    }
}

#[test]
fn what_is_wrong_at_the_address_is_told_apart() {
    let collector = Collector::start(&inventory(&[SITE]));
    let other = Collector::start(&inventory(&[SITE]));
    let code = collector.code(SITE);
    let moved = |address: SocketAddr| Code {
        host: address.ip().to_string(),
        port: address.port(),
        ..code.clone()
    };
    let nobody = at(SocketAddr::from(([127, 0, 0, 1], 1)));
    // Closing with bytes unread makes the system send a reset.
    let resets = port(|client| drop(client.peek(&mut [0])));
    let mute = port(std::mem::forget);
    let closes = port(|mut client| drop(client.read(&mut [0; 4096])));
    for (code, vi, en) in [
        (nobody, "không có chương trình nào nghe ở cổng này", "nothing listens there"),
        (at(resets), "bị ngắt ngang (reset)", "was reset"),
        (at(mute), "cổng mở nhưng không ai trả lời", "then nothing is said"),
        (at(closes), "bị đóng giữa chừng", "closed half-way"),
        (moved(collector.operations()), "không dùng TLS", "speaks no TLS"),
        (
            moved(other.agents()),
            "không phải là collector đã cấp mã này",
            "is not the collector that made",
        ),
        (
            Code { host: "localhost".into(), port: collector.agents().port(), ..code.clone() },
            "không ghi tên hay địa chỉ này",
            "does not bear this name",
        ),
        (leading_to("khong-co.invalid", 8443), "DNS", "DNS"),
    ] {
        fails(&Agent::new(""), &code, vi, en);
    }
    Agent::new("").enrol(&code);
}

#[test]
fn what_is_wrong_with_the_proxy_is_told_apart() {
    let collector = Collector::start(&inventory(&[SITE]));
    let code = collector.code(SITE);
    let through = |proxy: &str| Agent::new(&format!("proxy: \"{proxy}\"\n"));
    let says = |proxy: &str, vi: &str, en: &str| fails(&through(proxy), &code, vi, en);
    says(
        "http://127.0.0.1:1",
        "không có proxy nào ở địa chỉ đã đặt",
        "nothing listens at the proxy",
    );
    says("http://khong-co.invalid:3128", "tên của proxy không có địa chỉ", "proxy's name has no");
    let web = format!("http://{}", collector.operations());
    says(&web, "không phải là proxy", "is no proxy");

    let Some(open) = Tinyproxy::start("") else { return println!("SKIPPED: no tinyproxy") };
    let closed = Tinyproxy::start("BasicAuth an matkhau").unwrap();
    let narrow = Tinyproxy::start("ConnectPort 443").unwrap();
    let (open, narrow) = (format!("http://{}", open.address), format!("http://{}", narrow.address));
    let known = |who: &str| format!("http://{who}{}", closed.address);
    says(&known(""), "proxy đòi tên và mật khẩu", "wants a user and a password");
    says(&known("an:sai@"), "không nhận tên và mật khẩu", "does not take the user and password");
    says(&narrow, "không cho đi tới collector", "does not let through");
    let nobody = at(SocketAddr::from(([127, 0, 0, 1], 1)));
    fails(&through(&open), &nobody, "proxy không tới được collector", "cannot reach the collector");
    // The environment's counts where none is configured, unless it excepts the collector.
    let agent = Agent::new("").with("HTTPS_PROXY", "http://127.0.0.1:1");
    fails(&agent, &code, "không có proxy nào", "nothing listens at the proxy");
    agent.with("NO_PROXY", "127.0.0.1").enrol(&code);
    through(&known("an:matkhau@")).enrol(&collector.code(SITE));
    through(&open).enrol(&collector.code(SITE));
}

#[test]
fn a_clock_years_off_in_either_direction_keeps_nobody_from_enrolling_and_is_told() {
    let Some(library) = crate::clocks::faketime() else {
        return println!("SKIPPED: libfaketime is not installed");
    };
    for (days, vi) in [("-6200.5d", "chậm 6200 ngày"), ("+9000.5d", "nhanh 9000 ngày")] {
        let collector = Collector::start(&inventory(&[SITE]));
        let agent = Agent::new("")
            .with("LD_PRELOAD", library.to_str().unwrap())
            .with("FAKETIME", days)
            .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let code = collector.code(SITE).to_string();
        let output = agent.do_command(&["--lang", "vi", "enroll", &code]);
        let said = program::said(&output);
        assert!(output.status.success() && said.contains(vi) && said.contains("CMOS"), "{said}");
    }
}

#[test]
fn a_collector_that_is_asked_too_often_says_when_to_come_back() {
    let collector = Collector::start(&inventory(&[SITE]));
    let code = Code { secret: [3; SECRET_BYTES], ..collector.code(SITE) };
    let stranger = Client::stranger(collector.agents(), &code);
    let enough = Arc::new(AtomicBool::new(false));
    let (stop, body) = (Arc::clone(&enough), enrolment(&code));
    let flood = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let mut stream = std::io::BufReader::new(stranger.connect().unwrap());
            while !stop.load(Ordering::Relaxed) {
                let asked = http::request("POST", limits::ENROL_PATH, &[], &body);
                let sent = std::io::Write::write_all(stream.get_mut(), &asked);
                if sent.is_err() || http::read(&mut stream).is_err() {
                    break;
                }
            }
        }
    });
    let agent = Agent::new("");
    wait::until("too many enrolments", || {
        let output = agent.do_command(&["--lang", "vi", "enroll", &code.to_string()]);
        let said = program::said(&output);
        wait::seen(said.contains("quá nhiều") && said.contains("giây"), || said)
    });
    enough.store(true, Ordering::Relaxed);
    flood.join().unwrap();
}

fn enrolment(code: &Code) -> Vec<u8> {
    let request = EnrolRequest {
        version: limits::VERSION,
        secret: hex(&code.secret),
        credential_sha256: "ab".repeat(32),
        agent: wire::AgentInfo::default(),
        hostname: "test".into(),
        addresses: Vec::new(),
        sent_at: wait::now(),
    };
    serde_json::to_vec(&request).unwrap()
}

#[test]
fn without_the_right_to_write_the_technician_is_told_to_become_administrator() {
    let collector = Collector::start(&inventory(&[SITE]));
    let code = collector.code(SITE).to_string();
    let agent = Agent::new("");
    let folder = agent.config().parent().unwrap().to_owned();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    // Nobody's numbers, on every Debian.
    let mut command = program::mortal("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]);
    command.arg(program::binary("nhipcau-agent")).arg("--config").arg(agent.config());
    command.args(["--lang", "vi", "enroll", &code]);
    let said = program::said(&program::finish(command));
    if said.contains("Operation not permitted") {
        return println!("SKIPPED: only root can become nobody");
    }
    assert!(
        said.contains("sudo nhipcau-agent enroll") && said.contains("vẫn còn dùng được"),
        "{said}"
    );
    assert!(agent.do_command(&["enroll", &code]).status.success(), "the code is still good");
}

#[test]
fn a_pc_that_is_a_site_already_is_not_made_another_by_mistake() {
    let collector = Collector::start(&inventory(&[SITE, "th-0002"]));
    let agent = Agent::new("");
    agent.enrol(&collector.code(SITE));
    let code = collector.code("th-0002").to_string();
    let typed =
        |more: &[&str]| agent.do_command(&[&["--lang", "vi", "enroll", &code], more].concat());
    let output = typed(&[]);
    let said = program::said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("đã ghi danh là điểm cầu th-0001") && said.contains("--replace"),
        "{said}"
    );
    let said = program::said(&typed(&["--replace"]));
    assert!(said.contains("th-0002") && said.contains("đã được thay thế"), "{said}");
}
