//! A real agent in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use wire::enrolment::Code;

use crate::program::{self, Program};
use crate::{ledger, wait};

/// An agent, running or not.
#[derive(Debug)]
pub struct Agent {
    folder: TempDir,
    state_dir: PathBuf,
    environment: Vec<(String, String)>,
    program: Option<Program>,
}

/// A configuration with which every second brings news, so that many reports come in a short
/// time: `flapping` is an address whose answers alternate.
#[must_use]
pub fn busy(flapping: std::net::SocketAddr) -> String {
    let probe = |name| {
        format!(
            "  {name}: {{ every: 1s, http: {{ url: \"http://{flapping}/{name}\" }} }}
"
        )
    };
    format!(
        "report_every: 5s
probes:
{}",
        ["a", "b", "c", "d", "e", "f", "g", "h"].map(probe).concat()
    )
}

/// What `once` says of a probe that is named `service`, in English, and whether it found all well.
#[must_use]
pub fn once(probe: &str) -> (String, bool) {
    let agent = Agent::new(&format!("probes:\n  service: {probe}\n"));
    let output = agent.do_command(&["--lang", "en", "once", "service"]);
    (program::said(&output), output.status.success())
}

impl Agent {
    /// One that has `config`, not running yet. `state_dir` is added.
    #[must_use]
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let state_dir = folder.path().join("state");
        Self::new_in(folder, state_dir, config)
    }

    /// One whose state lies in `state_dir`.
    #[must_use]
    pub fn new_in(folder: TempDir, state_dir: PathBuf, config: &str) -> Self {
        let agent = Self { folder, state_dir, environment: Vec::new(), program: None };
        agent.configure(config);
        agent
    }

    /// Enrolled with `code` and running.
    #[must_use]
    pub fn start(config: &str, code: &Code) -> Self {
        let mut agent = Self::new(config);
        agent.enrol(code);
        agent.run();
        agent
    }

    /// Writes its configuration anew. It opens no page in the room unless it is told to: there is
    /// one port for it, and many agents here.
    pub fn configure(&self, config: &str) {
        let page = if config.contains("page_port:") { "" } else { "page_port: 0\n" };
        let text = format!("state_dir: {}\nlanguage: en\n{page}{config}", self.state_dir.display());
        fs::write(self.config(), text).expect("a writable directory");
    }

    /// Adds to its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("agent.yaml")
    }

    /// Its state directory.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::mortal(program::binary("nhipcau-agent"));
        command.arg("--config").arg(self.config()).args(arguments);
        // What this machine's environment says of proxies is not what a test is about.
        for name in
            ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
        {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs one of its commands to the end.
    #[must_use]
    pub fn do_command(&self, arguments: &[&str]) -> Output {
        program::finish(self.command(arguments))
    }

    /// Enrols it.
    #[track_caller]
    pub fn enrol(&self, code: &Code) {
        let output = self.do_command(&["enroll", "--replace", &code.to_string()]);
        assert!(output.status.success(), "enrolment failed: {}", program::said(&output));
    }

    /// Starts it, once it is enrolled.
    pub fn run(&mut self) {
        // Before that it has no ear for SIGTERM.
        self.run_until("agent started");
    }

    /// Starts it, and waits until it says `said`.
    pub fn run_until(&mut self, said: &str) {
        let mut program = Program::start("agent", self.command(&["run"]));
        program.hear(said, |line| line.contains(said).then_some(()));
        self.program = Some(program);
    }

    /// Waits until so many reports are in its spool.
    #[track_caller]
    pub fn wait_for_spooled(&self, count: usize) {
        wait::until("reports in the spool", || {
            let spooled = ledger::spooled(&self.state_dir).len();
            wait::seen(spooled >= count, || format!("{spooled} of {count}"))
        });
    }

    /// Waits until next to nothing is in its spool; it goes on making reports meanwhile.
    #[track_caller]
    pub fn wait_until_drained(&self) {
        wait::until("a drained spool", || {
            let spooled = ledger::spooled(&self.state_dir).len();
            wait::seen(spooled <= 2, || format!("{spooled} reports left"))
        });
    }

    /// The process.
    pub fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("a running agent")
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Asks it to end; it does so in good order.
    #[track_caller]
    pub fn stop(&mut self) {
        self.program().stop();
        self.program = None;
    }
}
