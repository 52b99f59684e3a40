//! Installation and upgrade on Windows when all goes wrong: no line, a full spool, and the power cut
//! off in the middle. Under Wine, whose installer takes nothing back; Windows' own does.

use std::path::Path;
use std::time::{Duration, Instant};

use tests::collector::{Collector, inventory};
use tests::dice::Dice;
use tests::ledger::{self, Books};
use tests::link::Line;
use tests::wine::Pc;

const SITE: &str = "th-0001";

/// The least that a spool may be told to hold.
const CAP: agent::spool::Limits =
    agent::spool::Limits { bytes: 1024 * 1024, age: Duration::from_hours(24) };
const CONFIG: &str =
    "report_every: 5s\nspool: { megabytes: 1 }\nprobes: { pc: { every: 1s, host: {} } }\n";

/// An installation takes some seconds here: cuts fall before, within and after it.
const LONGEST_MILLIS: u64 = 6000;

fn runs(pc: &Pc, exe: &Path) -> bool {
    pc.run_program(exe, &["service", "status"]).status.success()
}

fn identity(pc: &Pc) -> Vec<u8> {
    std::fs::read(pc.state_dir().join("identity.json")).unwrap()
}

#[test]
fn a_package_installed_while_the_line_is_down_enrols_its_pc_when_the_line_is_back() {
    let Some(pc) = Pc::new() else { return };
    let Some([package]) = pc.packages(&["1.0.0"]) else { return };
    pc.stay_on();
    let collector = Collector::start(&inventory(&[SITE]));
    pc.configure(CONFIG);
    let code = collector.code(SITE).to_string();
    collector.link.set(Line::Cut);
    let property = format!("ENROLCODE={code}");
    let package = package.to_str().unwrap();
    let done = pc.run_program("msiexec", &["/i", package, "/qn", &property]);
    assert!(done.status.success(), "{}", done.said);
    let kept = std::fs::read(pc.state_dir().join("enrolment.json")).unwrap();
    let secret = code.rsplit_once('/').unwrap().1;
    assert!(!String::from_utf8_lossy(&kept).contains(secret), "the code lies open");
    let doctor = pc.agent(&["--lang", "vi", "doctor"]).said;
    assert!(doctor.contains("đang giữ mã ghi danh"), "{doctor}");
    collector.link.set(Line::Good);
    collector.wait_for_site(SITE);
    assert!(!pc.agent(&["--lang", "vi", "doctor"]).said.contains("đang giữ mã"));
}

#[test]
fn an_upgrade_by_package_cut_off_at_any_moment_ends_well_when_it_is_tried_again() {
    let Some(pc) = Pc::new() else { return };
    let versions = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
    let Some(packages) = pc.packages(&versions) else { return };
    let packages = packages.each_ref().map(|package| package.to_str().unwrap());
    let mut dice = Dice::new("power cuts in an installation");
    pc.stay_on();
    let mut collector = Collector::start(&inventory(&[SITE]));
    pc.configure(CONFIG);
    let exe = pc.path("Program Files/NhipCau/nhipcau-agent.exe");
    let install = |package: &str, more: &[&str]| {
        let done = pc.run_program("msiexec", &[&["/i", package, "/qn"], more].concat());
        assert!(done.status.success(), "{package}: {}", done.said);
        assert!(runs(&pc, &exe), "{package} is installed and does not run");
    };
    install(packages[0], &[&format!("ENROLCODE={}", collector.code(SITE))]);
    collector.wait_for_site(SITE);
    let before = identity(&pc);
    // Days without a line.
    collector.link.set(Line::Cut);
    assert!(pc.run_program(&exe, &["service", "stop"]).status.success());
    ledger::fill(&pc.state_dir(), CAP).unwrap();
    assert!(pc.run_program(&exe, &["service", "start"]).status.success());

    let random = Duration::from_millis(dice.between(0, LONGEST_MILLIS));
    let begun = std::cell::Cell::new(Instant::now());
    let moments: [(&str, &dyn Fn() -> bool); 4] = [
        ("when the old program goes", &|| !exe.exists()),
        ("when the new program comes", &|| {
            // It goes first, so it is there again.
            begun.get().elapsed() > Duration::from_secs(1) && exe.exists()
        }),
        ("at any moment", &|| begun.get().elapsed() >= random),
        ("when all is done", &|| false),
    ];
    for ((when, moment), package) in moments.into_iter().zip(&packages[1..]) {
        begun.set(Instant::now());
        pc.cut_off("msiexec", &["/i", package, "/qn"], moment);
        assert_eq!(identity(&pc), before, "{when}: it is another site now");
        pc.stay_on();
        install(package, &[]);
        assert_eq!(identity(&pc), before, "{when}: it is another site now");
    }

    collector.link.set(Line::Good);
    collector.wait_for_reports(SITE, 2);
    assert!(pc.run_program(&exe, &["service", "stop"]).status.success());
    collector.stop();
    let books = Books::read(collector.state_dir(), SITE, &pc.state_dir());
    assert!(books.totals.evicted > 0, "the spool was to be at its cap: {:?}", books.totals);
    books.assert_balanced_but_for_the_cap();
}

#[test]
fn an_installation_from_a_stick_cut_off_at_any_moment_ends_well_when_it_is_tried_again() {
    let Some(pc) = Pc::new() else { return };
    let mut dice = Dice::new("power cuts in an installation from a stick");
    pc.stay_on();
    pc.configure(CONFIG);
    let stick = pc.stick();
    let script = format!("Z:{}", stick.path().join("cai-dat.cmd").display()).replace('/', "\\");
    let collector = Collector::start(&inventory(&[SITE]));
    let code = collector.code(SITE).to_string();
    let exe = pc.path("Program Files/NhipCau/nhipcau-agent.exe");
    let half = exe.with_extension("new");
    // Whoever is a site already is asked for no code.
    let install = |code: &[&str]| {
        pc.stay_on();
        let done = pc.run_program("cmd", &[&["/c", &script], code].concat());
        assert!(done.status.success(), "{}", done.said);
        assert!(runs(&pc, &exe) && !half.exists(), "{}", done.said);
    };
    let random = Duration::from_millis(dice.between(0, LONGEST_MILLIS));
    let begun = Instant::now();
    let first: [&dyn Fn() -> bool; 2] = [&|| half.exists(), &|| begun.elapsed() >= random];
    for moment in first {
        pc.cut_off("cmd", &["/c", &script, &code], moment);
    }
    install(&[&code]);
    collector.wait_for_site(SITE);
    let before = identity(&pc);
    let bytes = std::fs::metadata(&exe).unwrap().len();
    // An upgrade: whatever is there when the power goes is a whole program.
    let begun = Instant::now();
    let random = Duration::from_millis(dice.between(0, LONGEST_MILLIS));
    let then: [&dyn Fn() -> bool; 2] = [&|| half.exists(), &|| begun.elapsed() >= random];
    for moment in then {
        pc.cut_off("cmd", &["/c", &script], moment);
        assert_eq!(std::fs::metadata(&exe).unwrap().len(), bytes, "half a program");
        assert_eq!(identity(&pc), before);
    }
    install(&[]);
    assert_eq!(identity(&pc), before);
    collector.wait_for_reports(SITE, 2);
}
