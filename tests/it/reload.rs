//! The inventory changes while the collector runs.

use nix::sys::signal::Signal;
use tests::agent::Agent;
use tests::collector::{Collector, inventory};

const SUCCESS: &str = "nhipcau_collector_config_last_reload_successful";

#[test]
fn a_changed_inventory_is_taken_up_and_a_bad_one_is_not() {
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    collector.wait_for("bridge_expected", &[("site", "th-0001")], |expected| expected > 0.5);
    assert_eq!(collector.scrape().value(SUCCESS, &[]), Some(1.0));

    collector.write_inventory(&inventory(&["th-0001", "th-0002"]));
    collector.wait_for("bridge_expected", &[("site", "th-0002")], |expected| expected > 0.5);

    collector.write_inventory("sites:\n  - { id: th-0003, name: \"Xã không có dấu ngoặc đóng }\n");
    collector.wait_for(SUCCESS, &[], |success| success < 0.5);
    let scrape = collector.scrape();
    assert!(scrape.value("bridge_expected", &[("site", "th-0002")]).is_some(), "the old one stays");
    assert!(collector.program().said().contains("sites.yaml"), "and the file is named");

    collector.write_inventory(&inventory(&["th-0001", "th-0004"]));
    collector.program().signal(Signal::SIGHUP);
    collector.wait_for("bridge_expected", &[("site", "th-0004")], |expected| expected > 0.5);
    collector.wait_for(SUCCESS, &[], |success| success > 0.5);
    assert_eq!(collector.scrape().value("bridge_expected", &[("site", "th-0002")]), None);
}

#[test]
fn a_renamed_site_keeps_its_readings() {
    let collector = Collector::start(&inventory(&["th-0001"]));
    let _agent = Agent::start("", &collector.code("th-0001"));
    collector.wait_for_site("th-0001");
    let renamed = inventory(&["th-0001"]).replace("UBND xã th-0001", "UBND phường Hạc Thành");
    collector.write_inventory(&renamed);
    let name = [("site", "th-0001"), ("name", "UBND phường Hạc Thành")];
    collector.wait_for("bridge_info", &name, |_| true);
    let scrape = collector.scrape();
    assert_eq!(scrape.lines("bridge_info").len(), 1, "the old name is gone");
    assert_eq!(scrape.value("bridge_up", &[("site", "th-0001")]), Some(1.0));
}
