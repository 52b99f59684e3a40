//! The agent for Windows, under Wine, with a real collector.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use tests::collector::{Collector, inventory};
use tests::dice::Dice;
use tests::ledger::Books;
use tests::operator::Operator;
use tests::wine::Pc;
use tests::{agent, flapping};

const SITE: &str = "th-0001";

/// Enough that it is hit while idle, while writing and while pushing.
const KILLS: u64 = 6;

#[test]
fn an_agent_on_windows_is_enrolled_by_its_code_and_its_readings_arrive() {
    let Some(mut pc) = Pc::new() else { return };
    let mut collector = Collector::start(&inventory(&[SITE]));
    pc.configure("report_every: 5s\nprobes: { pc: { every: 1s, host: {} } }\n");
    let checked = pc.agent(&["check"]);
    assert!(checked.status.success() && checked.said.contains("1 probe"), "{}", checked.said);
    pc.enrol(&collector.code(SITE));
    pc.run();
    collector.wait_for_site(SITE);
    collector.wait_for("bridge_host_memory_size_bytes", &[("site", SITE)], |bytes| bytes > 1e6);
    let scrape = collector.scrape();
    let systems: Vec<_> =
        scrape.lines("bridge_agent_info").iter().map(|line| line.labels["os"].clone()).collect();
    assert!(systems[0].starts_with("Windows"), "{systems:?}");
    pc.stop();
    collector.stop();
    let books = Books::read(collector.state_dir(), SITE, &pc.state_dir());
    books.assert_balanced();
    assert!(books.spooled.is_empty(), "the last push takes all: {books:?}");
}

#[test]
fn no_report_is_lost_or_counted_twice_when_the_agent_on_windows_is_killed_at_any_moment() {
    let Some(mut pc) = Pc::new() else { return };
    let mut dice = Dice::new("kills on Windows");
    let mut collector = Collector::start(&inventory(&[SITE]));
    pc.configure(&agent::busy(flapping::start()));
    pc.enrol(&collector.code(SITE));
    for _ in 0..KILLS {
        pc.run();
        std::thread::sleep(Duration::from_millis(dice.between(20, 3000)));
        pc.kill();
    }
    pc.run();
    pc.wait_until_drained();
    pc.stop();
    collector.stop();
    let books = Books::read(collector.state_dir(), SITE, &pc.state_dir());
    assert!(!books.received.is_empty(), "the test has seen nothing");
    books.assert_balanced();
}

#[test]
fn an_update_takes_over_on_windows_and_the_pc_stays_who_it_is() {
    let Some(mut pc) = Pc::new() else { return };
    let operator = Operator::new();
    let updates = format!(
        "updates: {{ keys: [\"{}\"], stages: {{ sites: 1, share: 100, lasts: 5s }}, megabits: 1000 }}\n",
        operator.key
    );
    let mut collector = Collector::start_with(&inventory(&[SITE]), &updates, "meetings: []\n");
    pc.configure(&format!(
        "report_every: 5s\nupdates: {{ keys: [\"{}\"], trial: 30s }}\nprobes: {{ pc: {{ every: 5s, host: {{}} }} }}\n",
        operator.key
    ));
    pc.enrol(&collector.code(SITE));
    pc.run();
    collector.wait_for_site(SITE);
    let identity = || std::fs::read(pc.state_dir().join("identity.json")).unwrap();
    let before = identity();
    operator.offer(&collector, &operator.agent_for_windows(pc.exe(), "9.0.0"));
    let labels = [("site", SITE), ("version", "9.0.0")];
    collector.wait_for("bridge_agent_info", &labels, |value| value > 0.5);
    collector.wait_for("nhipcau_collector_update_sites", &[("state", "current")], |n| n > 0.5);
    assert_eq!(identity(), before);
    pc.stop();
    collector.stop();
    Books::read(collector.state_dir(), SITE, &pc.state_dir()).assert_balanced();
}

#[test]
fn every_probe_of_the_line_and_the_pc_measures_on_windows() {
    let Some(pc) = Pc::new() else { return };
    let server = flapping::start();
    let (address, names) = (server, name_server());
    pc.configure(&format!(
        "probes:\n  \
         echo: {{ every: 5s, icmp: {{ host: 127.0.0.1, count: 3 }} }}\n  \
         port: {{ tcp: {{ host: 127.0.0.1, port: {} }} }}\n  \
         page: {{ http: {{ url: \"http://{address}/\" }} }}\n  \
         name: {{ dns: {{ name: mcu.example, server: \"{names}\" }} }}\n  \
         pc: {{ host: {{}} }}\n  \
         line: {{ link: {{}} }}\n  \
         time: {{ clock: {{}} }}\n  \
         mains: {{ power: {{}} }}\n",
        server.port()
    ));
    for (probe, measured) in [
        ("echo", "bridge_probe_rtt_seconds"),
        ("port", "good"),
        ("page", "good"),
        ("name", "bridge_probe_dns_answers = 1"),
        ("pc", "bridge_host_disk_size_bytes{device=\"C:\\\\\"}"),
        ("line", "bridge_probe_runs_total = 1"),
        ("time", "bridge_clock_synchronised"),
        ("mains", "bridge_probe_runs_total = 1"),
    ] {
        let done = pc.agent(&["once", probe]);
        assert!(done.status.success(), "{probe}: {}", done.said);
        assert!(done.said.contains(measured), "{probe}: {measured} in {}", done.said);
    }
}

#[test]
fn what_a_technician_types_on_windows_is_answered_in_vietnamese() {
    let Some(pc) = Pc::new() else { return };
    let checked = pc.agent(&["--lang", "vi", "check"]);
    assert!(checked.status.success() && checked.said.contains("4 phép đo"), "{}", checked.said);
    assert!(checked.said.contains(r"C:\ProgramData\NhipCau\agent.yaml"), "{}", checked.said);
    let doctor = pc.agent(&["--lang", "vi", "doctor"]);
    assert!(doctor.said.contains("máy này chưa được ghi danh"), "{}", doctor.said);
    assert!(!doctor.said.contains("systemctl"), "{}", doctor.said);
    let bad = pc.agent(&["--lang", "vi", "enroll", "nonsense"]);
    assert!(!bad.status.success() && !bad.said.contains("panicked"), "{}", bad.said);
}

/// A name server that knows one address for every name (RFC 1035 section 4).
fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            let question = question(&query[..length]);
            let mut answer = query[..2].to_vec();
            // A reply without error; one question, one answer.
            answer.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            answer.extend(question);
            // The name of the question, type A, class IN, 60 s, 4 bytes.
            answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

/// The question within a query: its name up to the empty label, its type and class.
fn question(query: &[u8]) -> &[u8] {
    let name = query[12..].iter().position(|byte| *byte == 0).unwrap();
    &query[12..12 + name + 5]
}

#[test]
fn windows_runs_the_agent_as_a_service_from_installation_to_removal() {
    let Some(pc) = Pc::new() else { return };
    pc.stay_on();
    let collector = Collector::start(&inventory(&[SITE]));
    pc.configure("report_every: 5s\nprobes: { pc: { every: 1s, host: {} } }\n");
    let service = |order: &str| pc.agent(&["--lang", "en", "service", order]);
    let says = |order: &str, good: bool, words: &str| {
        let done = service(order);
        assert_eq!(done.status.success(), good, "{order}: {}", done.said);
        assert!(done.said.contains(words), "{order}: {}", done.said);
    };
    says("status", false, "is not installed");
    says("install", true, "is stopped");
    says("install", true, "is stopped");
    // It starts without being enrolled, and finds out when it is.
    says("start", true, "is running");
    says("status", true, "is running");
    pc.enrol(&collector.code(SITE));
    collector.wait_for_site(SITE);
    let secret = std::fs::read(pc.state_dir().join("identity.json")).unwrap();
    let shown = String::from_utf8_lossy(&secret);
    assert!(!shown.contains("credential") && !shown.contains(SITE), "it lies open: {shown}");
    says("stop", true, "is stopped");
    says("start", true, "is running");
    collector.wait_for_reports(SITE, 2);
    says("uninstall", true, "is not installed");
    says("uninstall", true, "is not installed");
    assert!(pc.state_dir().join("identity.json").exists(), "what it knew stays");
}

#[test]
fn a_package_installs_and_enrols_upgrades_in_place_and_leaves_nothing_of_the_program() {
    let Some(pc) = Pc::new() else { return };
    let Some(packages) = pc.packages(&["1.0.0", "1.1.0"]) else { return };
    let [old, new] = packages.each_ref().map(|package| package.to_str().unwrap());
    pc.stay_on();
    let collector = Collector::start(&inventory(&[SITE]));
    pc.configure("report_every: 5s\nprobes: { pc: { every: 1s, host: {} } }\n");
    let msi = |order: &str, package: &str, more: &[&str]| {
        pc.run_program("msiexec", &[&[order, package, "/qn"], more].concat()).status.success()
    };
    let exe = pc.path("Program Files/NhipCau/nhipcau-agent.exe");
    let identity = || std::fs::read(pc.state_dir().join("identity.json")).unwrap();

    let code = format!("ENROLCODE={}", collector.code(SITE));
    assert!(msi("/i", old, &[&code]), "the first installation");
    collector.wait_for_site(SITE);
    let before = identity();
    assert!(msi("/i", new, &[]), "the upgrade");
    assert_eq!(identity(), before);
    collector.wait_for_reports(SITE, 2);
    assert!(!msi("/i", old, &[]), "an older version is refused");
    assert!(pc.run_program(&exe, &["service", "status"]).status.success(), "the new one goes on");
    assert!(msi("/x", new, &[]), "the removal");
    assert!(!exe.parent().unwrap().exists(), "nothing of the program stays");
    assert!(pc.agent(&["--lang", "en", "service", "status"]).said.contains("is not installed"));
    assert_eq!(identity(), before, "a PC that gets it back is its site again");
}

#[test]
fn a_stick_installs_and_removes_the_agent_by_two_scripts() {
    let Some(pc) = Pc::new() else { return };
    pc.stay_on();
    let stick = pc.stick();
    let cmd = |script: &str, code: &[&str]| {
        let script = format!("Z:{}", stick.path().join(script).display()).replace('/', "\\");
        pc.run_program("cmd", &[&["/c", &script], code].concat())
    };
    let collector = Collector::start(&inventory(&[SITE]));
    let bad = cmd("cai-dat.cmd", &["nonsense"]);
    assert!(!bad.status.success() && bad.said.contains("XXXXX"), "{}", bad.said);
    let good = cmd("cai-dat.cmd", &[&collector.code(SITE).to_string()]);
    assert!(good.status.success(), "{}", good.said);
    collector.wait_for_site(SITE);
    let gone = cmd("go-bo.cmd", &[]);
    assert!(gone.status.success(), "{}", gone.said);
    assert!(!pc.path("Program Files/NhipCau").exists(), "nothing of the program stays");
}
