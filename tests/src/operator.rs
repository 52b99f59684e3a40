//! Who signs updates: a key, and programs to sign with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wire::update::stamp;

use crate::collector::Collector;
use crate::program::{binary, finish, mortal, said};

/// An operator with a key, away from any collector.
#[derive(Debug)]
pub struct Operator {
    folder: TempDir,
    /// The key that agents are given.
    pub key: String,
}

impl Default for Operator {
    fn default() -> Self {
        Self::new()
    }
}

impl Operator {
    /// One with a new key.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let told = update(folder.path(), &["key", "--output", "key"]);
        let key = told.lines().next().unwrap_or_default().to_owned();
        Self { folder, key }
    }

    /// The real agent as another version of itself.
    #[must_use]
    pub fn agent(&self, version: &str) -> PathBuf {
        self.as_version(&binary("nhipcau-agent"), "strip", version)
    }

    /// The same of the agent for Windows.
    #[must_use]
    pub fn agent_for_windows(&self, exe: &Path, version: &str) -> PathBuf {
        self.as_version(exe, "x86_64-w64-mingw32-strip", version)
    }

    /// What a program says of its version stands in its file once, and is what it goes by.
    fn as_version(&self, program: &Path, strip: &str, version: &str) -> PathBuf {
        let path = self.folder.path().join(format!("nhipcau-agent-{version}"));
        // As a released one, it has no names for a debugger.
        let mut strip = Command::new(strip);
        strip.arg("-o").arg(&path).arg(program);
        let output = finish(strip);
        assert!(output.status.success(), "{}", said(&output));
        let mut program = fs::read(&path).expect("just written");
        let (own, platform) = stamp::find(&program).expect("the agent's stamp");
        let (system, processor) = platform.split_once('-').expect("a platform");
        let old = stamp::stamp(&own.to_string(), system, processor);
        let new = stamp::stamp(version, system, processor);
        let at = program.windows(old.len()).position(|bytes| bytes == old).expect("the stamp");
        program[at..at + new.len()].copy_from_slice(&new);
        fs::write(&path, program).expect("a writable directory");
        path
    }

    /// What passes for an agent of this version in every check, and does `deed` when it is to run.
    #[must_use]
    pub fn impostor(&self, version: &str, deed: &str) -> PathBuf {
        let path = self.folder.path().join(format!("impostor-{version}"));
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n--version) echo nhipcau-agent {version} ;;\n*check) ;;\n*) {deed} ;;\nesac\nexit\n"
        );
        let stamp = stamp::stamp(version, std::env::consts::OS, std::env::consts::ARCH);
        fs::write(&path, [script.as_bytes(), &stamp].concat()).expect("a writable directory");
        path
    }

    /// Signs a program.
    pub fn sign(&self, program: &Path, flags: &[&str]) {
        let program = program.to_str().expect("a plain path");
        let arguments = [&["sign", "--key", "key"], flags, &[program]].concat();
        let _ = update(self.folder.path(), &arguments);
    }

    /// Signs a program and has a collector offer it.
    pub fn offer(&self, collector: &Collector, program: &Path) {
        self.sign(program, &[]);
        let program = program.to_str().expect("a plain path");
        let output = collector.do_command(&["update", "offer", program]);
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// What `nhipcau-collector update …` says in a folder that has no configuration.
fn update(folder: &Path, arguments: &[&str]) -> String {
    let mut command = mortal(binary("nhipcau-collector"));
    command.args(["--lang", "en", "update"]).args(arguments).current_dir(folder);
    let output = finish(command);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
