//! What technicians carry: the folders of `bundle` make sites.

use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::program;
use wire::enrolment::Code;

#[test]
fn each_folder_makes_its_site_and_no_other() {
    let collector = Collector::start(&inventory(&["th-0001", "th-0002"]));
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("usb");
    let bundle = || {
        let output = collector.do_command(&["bundle", "--output", output.to_str().unwrap()]);
        assert!(output.status.success(), "{}", program::said(&output));
        program::said(&output)
    };
    bundle();
    for site in ["th-0001", "th-0002"] {
        let read = |name| std::fs::read_to_string(output.join(site).join(name)).unwrap();
        let code: Code = read("ma-ghi-danh.txt").trim().parse().unwrap();
        // Port 0 is the test's; a real collector listens where its codes lead.
        let (host, port) = ("127.0.0.1".to_owned(), collector.agents().port());
        let agent = Agent::new("");
        std::fs::write(agent.config(), read("agent.yaml")).unwrap();
        assert!(agent.do_command(&["check"]).status.success(), "its agent.yaml is a good one");
        agent.configure("");
        let told = agent.do_command(&["enroll", &Code { host, port, ..code }.to_string()]);
        assert!(program::said(&told).contains(site), "{}", program::said(&told));
    }
    let said = bundle();
    assert!(said.contains("2 sites: th-0001, th-0002"), "{said}");
}
