//! The one command that shows everything.

use std::path::Path;

use tests::program;

#[test]
fn one_command_brings_up_everything_and_stops_all_it_started() {
    if !["/usr/bin/promtool", "/usr/bin/amtool"].iter().all(|program| Path::new(program).exists()) {
        println!("SKIPPED: prometheus and prometheus-alertmanager are not installed");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/quickstart.sh");
    let mut command = program::mortal(script);
    command.arg("--once").env("LANG", "en_GB.UTF-8").env_remove("LC_ALL");
    let output = program::finish(command);
    let said = program::said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("th-0316 is up, 11 other sites are silent"), "{said}");
    assert!(said.contains('✓'), "a reading that succeeded: {said}");
    assert!(said.contains("In Alertmanager: 1 alert for the meeting"), "{said}");
    assert!(said.contains("of 12 ready") && said.contains("11 unknown"), "{said}");
    let left = logs_of_living_programs(&said);
    assert!(left.is_empty(), "still running: {left:?}");
}

#[test]
fn one_command_brings_up_a_fleet_and_stops_all_it_started() {
    if !Path::new("/usr/bin/promtool").exists() {
        println!("SKIPPED: prometheus is not installed");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/quickstart.sh");
    let mut command = program::mortal(script);
    command.args(["--fleet", "40", "--once"]).env("LANG", "en_GB.UTF-8").env_remove("LC_ALL");
    let output = program::finish(command);
    let said = program::said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("camera_unplugged"), "the faults are listed: {said}");
    assert!(said.contains("of 40 sites are up"), "{said}");
    for meeting in ["giao-ban-so-nganh: ", "truc-tuyen-cap-xa: "] {
        assert!(said.contains(meeting), "{said}");
    }
    let left = logs_of_living_programs(&said);
    assert!(left.is_empty(), "still running: {left:?}");
}

/// Command lines of processes that still name the directory in which it all ran.
fn logs_of_living_programs(said: &str) -> Vec<String> {
    let folder = said.lines().find_map(|line| line.split("nhipcau-quickstart.").nth(1));
    let folder = folder.and_then(|rest| rest.split('/').next()).unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok())
        .filter(|line| line.contains(folder))
        .collect()
}
