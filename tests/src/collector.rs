//! A real collector in a directory of its own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use wire::enrolment::Code;

use crate::http::{self, Response};
use crate::link::Link;
use crate::program::{self, Program};
use crate::scrape::Scrape;
use crate::{ledger, wait};

/// What a program must show that acts through the API.
pub const OPERATE_TOKEN: &str = "a-token-for-programs-that-act";

/// The password of every user here.
pub const PASSWORD: &str = "một câu dễ nhớ";

/// What a program must show that only reads, where reading is closed.
pub const READ_TOKEN: &str = "a-token-for-programs-that-read";

/// A collector, running or not, and the line that leads to it.
#[derive(Debug)]
pub struct Collector {
    /// The line agents take. Its address stays when the collector comes back on another port.
    pub link: Link,
    folder: TempDir,
    state_dir: PathBuf,
    program: Option<Program>,
    agents: SocketAddr,
    operations: SocketAddr,
}

/// An inventory of sites with these ids.
#[must_use]
pub fn inventory(sites: &[&str]) -> String {
    let mut text = "areas:\n  - { id: thanh-hoa, name: \"Thanh Hóa\" }\nsites:\n".to_owned();
    for site in sites {
        let _ = writeln!(
            text,
            "  - {{ id: {site}, name: \"UBND xã {site}\", level: commune, area: thanh-hoa, uplink: pop-1, needs: [network] }}"
        );
    }
    text
}

impl Collector {
    /// Starts one that expects the sites of `inventory`.
    #[must_use]
    pub fn start(inventory: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let state_dir = folder.path().join("state");
        Self::start_in(folder, state_dir, inventory)
    }

    /// Starts one that also knows these meetings, in a file of their own.
    #[must_use]
    pub fn start_with_calendar(inventory: &str, meetings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let state_dir = folder.path().join("state");
        fs::create_dir(folder.path().join("meetings")).expect("a writable directory");
        let file = folder.path().join("meetings/meetings.yaml");
        fs::write(file, meetings).expect("a writable directory");
        Self::begin(folder, state_dir, inventory, "meetings: meetings/\n")
    }

    /// Starts one whose sites run what `profiles.yaml` beside its configuration says.
    #[must_use]
    pub fn start_with_profiles(inventory: &str, profiles: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let state_dir = folder.path().join("state");
        fs::write(folder.path().join("profiles.yaml"), profiles).expect("a writable directory");
        Self::begin(folder, state_dir, inventory, "profiles: profiles.yaml\n")
    }

    /// Starts one with this in its configuration besides, and with these meetings.
    #[must_use]
    pub fn start_with(inventory: &str, more: &str, meetings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let state_dir = folder.path().join("state");
        fs::create_dir(folder.path().join("meetings")).expect("a writable directory");
        let file = folder.path().join("meetings/meetings.yaml");
        fs::write(file, meetings).expect("a writable directory");
        Self::begin(folder, state_dir, inventory, &format!("meetings: meetings/\n{more}"))
    }

    /// Starts one that shows nothing to whoever neither signs in nor has a token, as beyond
    /// loopback.
    #[must_use]
    pub fn start_closed(inventory: &str, meetings: &str) -> Self {
        let mut collector = Self::start_with_calendar(inventory, meetings);
        collector.stop();
        let config = fs::read_to_string(collector.config()).expect("a configuration");
        let closed =
            config.replace("operate_token_file:", "token_file: token, operate_token_file:");
        fs::write(collector.folder.path().join("token"), READ_TOKEN).expect("a writable directory");
        fs::write(collector.config(), closed).expect("a writable directory");
        collector.run();
        collector
    }

    /// Starts one on what lies in `folder`: `sites.yaml`, `meetings/` and `state/`.
    #[must_use]
    pub fn start_prepared(folder: TempDir) -> Self {
        let state_dir = folder.path().join("state");
        let inventory = fs::read_to_string(folder.path().join("sites.yaml")).expect("an inventory");
        Self::begin(folder, state_dir, &inventory, "meetings: meetings/\n")
    }

    /// Starts one whose state lies in `state_dir`.
    #[must_use]
    pub fn start_in(folder: TempDir, state_dir: PathBuf, inventory: &str) -> Self {
        Self::begin(folder, state_dir, inventory, "")
    }

    /// `more` is added to its configuration.
    fn begin(folder: TempDir, state_dir: PathBuf, inventory: &str, more: &str) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let link = Link::to(nowhere);
        let mut collector =
            Self { link, folder, state_dir, program: None, agents: nowhere, operations: nowhere };
        collector.write_inventory(inventory);
        fs::write(collector.folder.path().join("operate-token"), OPERATE_TOKEN)
            .expect("a writable directory");
        let config = format!(
            "state_dir: {}\nagents: {{ listen: \"127.0.0.1:0\", names: [127.0.0.1] }}\noperations: {{ listen: \"127.0.0.1:0\", operate_token_file: operate-token }}\ninventory: sites.yaml\nlanguage: en\n{more}",
            collector.state_dir.display()
        );
        fs::write(collector.config(), config).expect("a writable directory");
        collector.run();
        collector
    }

    /// Starts it again after it ended.
    pub fn run(&mut self) {
        let mut program = Program::start("collector", self.command(&["run"]));
        self.agents = program.hear("the agents' address", |line| listening(line, "agents"));
        self.operations =
            program.hear("the operations' address", |line| listening(line, "operations"));
        self.link.lead_to(self.agents);
        self.program = Some(program);
        wait::until("a ready collector", || {
            let answer = self.try_get("/-/ready", &[]).map_err(|error| error.to_string())?;
            wait::seen(answer.status == 200, || format!("{answer:?}"))
        });
    }

    /// One of its commands, not yet begun.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::mortal(program::binary("nhipcau-collector"));
        command.arg("--config").arg(self.config()).args(arguments);
        command
    }

    /// Runs one of its commands to the end.
    #[must_use]
    pub fn do_command(&self, arguments: &[&str]) -> Output {
        program::finish(self.command(arguments))
    }

    /// Adds a user of this role who signs in with [`PASSWORD`].
    pub fn add_user(&self, name: &str, role: &str) {
        let output = self.tell(&["user", "add", name, "--role", role], PASSWORD);
        assert!(output.status.success(), "{}", program::said(&output));
    }

    /// Runs one of its commands to the end and tells it this on its standard input.
    #[must_use]
    pub fn tell(&self, arguments: &[&str], told: &str) -> Output {
        let file = self.folder.path().join("told");
        fs::write(&file, format!("{told}\n")).expect("a writable directory");
        let mut command = self.command(arguments);
        command.stdin(fs::File::open(file).expect("just written"));
        program::finish(command)
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("collector.yaml")
    }

    /// Its state directory.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Writes the inventory anew, in one step.
    pub fn write_inventory(&self, text: &str) {
        let (file, next) =
            (self.folder.path().join("sites.yaml"), self.folder.path().join("sites.yaml.next"));
        fs::write(&next, text)
            .and_then(|()| fs::rename(&next, &file))
            .expect("a writable directory");
    }

    /// Writes the meetings anew, in one step.
    pub fn write_meetings(&self, text: &str) {
        let folder = self.folder.path();
        let (file, next) = (folder.join("meetings/meetings.yaml"), folder.join("meetings.next"));
        fs::write(&next, text)
            .and_then(|()| fs::rename(&next, &file))
            .expect("a writable directory");
    }

    /// Where agents connect to it directly, past the line.
    #[must_use]
    pub fn agents(&self) -> SocketAddr {
        self.agents
    }

    /// Where Prometheus connects.
    #[must_use]
    pub fn operations(&self) -> SocketAddr {
        self.operations
    }

    /// A new code for a site, leading over the line.
    #[must_use]
    pub fn code(&self, site: &str) -> Code {
        let output = self.do_command(&["enroll", "--site", site]);
        let said = program::said(&output);
        let code = said.split_whitespace().find_map(|word| word.parse::<Code>().ok());
        let code = code.unwrap_or_else(|| panic!("no code in what `enroll` said:\n{said}"));
        let address = self.link.address();
        Code { host: address.ip().to_string(), port: address.port(), ..code }
    }

    /// Revokes a site's credential.
    pub fn revoke(&self, site: &str) {
        let output = self.do_command(&["revoke", "--site", site]);
        assert!(output.status.success(), "{}", program::said(&output));
    }

    /// The process.
    pub fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("a running collector")
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

    /// `GET path` from its operations side.
    #[must_use]
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.try_get(path, headers).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    fn try_get(&self, path: &str, headers: &[(&str, &str)]) -> std::io::Result<Response> {
        http::get(self.operations, path, headers)
    }

    /// What Prometheus would see now.
    #[must_use]
    pub fn scrape(&self) -> Scrape {
        let answer = self.get("/metrics", &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        Scrape::read(&answer.text())
    }

    /// Waits until a series has a value that `fits`.
    #[track_caller]
    pub fn wait_for(&self, name: &str, labels: &[(&str, &str)], fits: impl Fn(f64) -> bool) -> f64 {
        wait::until(name, || {
            let scrape = self.scrape();
            let found = scrape.value(name, labels);
            found
                .filter(|value| fits(*value))
                .ok_or_else(|| format!("{found:?}; of its name: {:#?}", scrape.lines(name)))
        })
    }

    /// Waits until so many more reports of the site have been counted.
    #[track_caller]
    pub fn wait_for_reports(&self, site: &str, more: usize) {
        let before = ledger::received(&self.state_dir, site).len();
        wait::until("reports", || {
            let came = ledger::received(&self.state_dir, site).len() - before;
            wait::seen(came >= more, || format!("{came} of {more} came"))
        });
    }

    /// Waits until a report was counted of whose answer the agent has not heard for a while.
    #[track_caller]
    pub fn wait_for_unanswered(&self, site: &str, agent: &Path) {
        let mut before = BTreeSet::new();
        wait::until("a report without its answer", || {
            let spooled = ledger::spooled(agent);
            let received = ledger::received(&self.state_dir, site);
            let unanswered: BTreeSet<_> = received.intersection(&spooled).copied().collect();
            let still = !unanswered.is_disjoint(&before);
            before = unanswered;
            wait::seen(still, || "every answer came".to_owned())
        });
    }

    /// Waits until the site is up.
    #[track_caller]
    pub fn wait_for_site(&self, site: &str) {
        self.wait_for("bridge_up", &[("site", site)], |up| up > 0.5);
    }
}

/// The address in the line that says that this side listens.
fn listening(line: &str, side: &str) -> Option<SocketAddr> {
    (line.contains("listening") && line.contains(side))
        .then(|| line.split([' ', '=', '"', ',']).find_map(|word| word.parse().ok()))
        .flatten()
}
