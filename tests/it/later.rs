//! A code given by an installer while the line is down: it is kept, told of, and used once.

use std::os::unix::fs::PermissionsExt;

use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::link::Line;
use tests::{program, wait};

const SITE: &str = "th-0001";
const PROBES: &str = "report_every: 5s\nprobes: { clock: { every: 2s, clock: {} } }\n";

#[test]
fn a_code_given_while_the_line_is_down_is_kept_and_the_agent_enrols_when_it_is_back() {
    let collector = Collector::start(&inventory(&[SITE]));
    let code = collector.code(SITE).to_string();
    collector.link.set(Line::Cut);
    let mut agent = Agent::new(PROBES);
    let output = agent.do_command(&["--lang", "vi", "enroll", "--later", &code]);
    let said = program::said(&output);
    assert!(output.status.success() && said.contains("Máy này giữ mã ghi danh"), "{said}");
    assert!(said.contains("Không ghi danh được với"), "it says why not now: {said}");
    let kept = agent.state_dir().join("enrolment.json");
    let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a code is as good as a credential");

    agent.run_until("keeps its code until");
    agent.program().hear("why it could not enrol", |line| {
        line.contains("cannot enrol now, and goes on trying").then_some(())
    });
    let doctor = |language: &str| program::said(&agent.do_command(&["--lang", language, "doctor"]));
    let waits = "đang giữ mã ghi danh, chờ liên lạc được với";
    assert!(doctor("vi").contains(waits), "{}", doctor("vi"));
    assert!(doctor("en").contains("without typing the code again"), "{}", doctor("en"));

    collector.link.set(Line::Good);
    collector.wait_for_site(SITE);
    let left = std::fs::read_to_string(&kept).unwrap();
    assert!(!left.contains(code.rsplit_once('/').unwrap().1), "the code is used and gone: {left}");
    assert!(doctor("vi").contains("điểm cầu th-0001 tại"), "{}", doctor("vi"));
}

#[test]
fn a_code_that_was_withdrawn_meanwhile_is_given_up_and_told() {
    let collector = Collector::start(&inventory(&[SITE]));
    let code = collector.code(SITE).to_string();
    collector.link.set(Line::Cut);
    let mut agent = Agent::new(PROBES);
    assert!(agent.do_command(&["enroll", "--later", &code]).status.success());
    // A new code for a site makes those before it worthless.
    let newer = collector.code(SITE);
    agent.run_until("keeps its code until");
    collector.link.set(Line::Good);
    agent.program().hear("that it was refused", |line| {
        line.contains("the collector refused the code for good").then_some(())
    });
    let doctor = program::said(&agent.do_command(&["--lang", "vi", "doctor"]));
    assert!(doctor.contains("mã ghi danh đã giữ bị từ chối"), "{doctor}");
    // And a person's new code is taken as ever, by the agent that waits.
    agent.enrol(&newer);
    collector.wait_for_site(SITE);
    wait::until("no word of the old code", || {
        let doctor = program::said(&agent.do_command(&["--lang", "vi", "doctor"]));
        wait::seen(doctor.contains("điểm cầu th-0001 tại"), || doctor)
    });
}
