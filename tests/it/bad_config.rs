//! The table of bad configurations: one file a rule in `tests/bad-config`, and beside it what the
//! real program says, whole. `tests/run.sh bless` writes what it says now.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent::probes::ProbeConfig;
use tests::program;

/// `sysexits.h`: `EX_CONFIG`.
const CONFIGURATION: i32 = 78;

fn table(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bad-config").join(name)
}

/// The bad files of a table, in the order of their names.
fn bad_files(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(table(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension() != Some(OsStr::new("expected"))).collect();
    files.sort();
    assert!(files.len() > 10, "only {} files in {name}", files.len());
    files
}

/// Lets `check` judge a configuration and compares all it says with what is expected of `bad`.
fn check(program: &str, folder: &Path, config: &OsStr, bad: &Path, wrong: &mut Vec<String>) {
    let mut command = Command::new(program::binary(program));
    command.current_dir(folder).arg("--config").arg(config).arg("check").env("NO_COLOR", "1");
    let output = program::finish(command);
    let said = without_kinds(&program::said(&output));
    if output.status.code() != Some(CONFIGURATION) {
        wrong.push(format!("{}: {}\n{said}", bad.display(), output.status));
        return;
    }
    let beside = bad.with_extension("expected");
    if std::env::var_os("NHIPCAU_BLESS").is_some() {
        fs::write(&beside, &said).unwrap();
    }
    let expected = fs::read_to_string(&beside).unwrap_or_default();
    if said != expected {
        wrong.push(format!("{}:\n{said}expected:\n{expected}", bad.display()));
    }
}

/// A new kind of probe changes no file here.
fn without_kinds(said: &str) -> String {
    let listed = |between: &str| ProbeConfig::KINDS.join(between);
    let [plain, quoted] = [listed(", "), listed("`, `")];
    said.replace(&plain, "{kinds}").replace(&quoted, "{kinds}")
}

#[test]
fn the_agent_says_what_is_wrong_with_its_configuration() {
    let mut wrong = Vec::new();
    for bad in bad_files("agent") {
        check("nhipcau-agent", &table("agent"), bad.file_name().unwrap(), &bad, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_collector_says_what_is_wrong_with_its_configuration() {
    let mut wrong = Vec::new();
    for bad in bad_files("collector") {
        check("nhipcau-collector", &table("collector"), bad.file_name().unwrap(), &bad, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_collector_says_what_is_wrong_with_the_inventory() {
    let mut wrong = Vec::new();
    for bad in bad_files("sites") {
        let folder = tempfile::tempdir().unwrap();
        let name = bad.file_name().unwrap();
        fs::copy(&bad, folder.path().join(name)).unwrap();
        let config = format!(
            "agents: {{ names: [127.0.0.1] }}\ninventory: {}\nstate_dir: state\n",
            name.to_str().unwrap()
        );
        fs::write(folder.path().join("collector.yaml"), config).unwrap();
        let config = OsStr::new("collector.yaml");
        check("nhipcau-collector", folder.path(), config, &bad, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
