//! A Windows PC of a test: Wine, with a `C:` of its own, and the agent for Windows on it.
//!
//! Wine is not Windows: rights of files, restarts after a crash and whatever needs a desktop are
//! for a real PC to show.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{fs, io};

use nix::sys::signal::Signal;
use tempfile::TempDir;
use wire::enrolment::Code;

use crate::program::{self, Program};
use crate::{ledger, wait};

const WINE: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver64";

/// What `deploy/debian-packages.sh` ends with where it may not install what is missing.
const NO_PACKAGES: i32 = 3;

/// How closely a moment to cut the power off is watched for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Where the product lives, below `C:`.
const HOME: &str = "drive_c/ProgramData/NhipCau";

/// A PC with Windows. Its Wine ends with it.
#[derive(Debug)]
pub struct Pc {
    prefix: TempDir,
    exe: PathBuf,
    program: Option<Program>,
    variables: Vec<(String, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it said.
    pub said: String,
}

impl Pc {
    /// A new one; `None`, aloud, where this machine has no Wine or no agent for Windows.
    #[must_use]
    pub fn new() -> Option<Self> {
        let made = built().join("prefix");
        let exe = built().join("x86_64-pc-windows-gnu/debug/nhipcau-agent.exe");
        if !made.join("ready").exists() || !exe.exists() {
            println!("SKIPPED: there is no Wine, or no agent for Windows: tests/run.sh makes both");
            return None;
        }
        // Beside the template, because files that are never changed are shared with it.
        let prefix = tempfile::Builder::new().prefix("pc-").tempdir_in(built()).expect("room");
        copy(&made, prefix.path());
        Some(Self { prefix, exe, program: None, variables: Vec::new() })
    }

    /// The path of something on its `C:`, as this machine sees it.
    #[must_use]
    pub fn path(&self, below: &str) -> PathBuf {
        self.prefix.path().join("drive_c").join(below)
    }

    /// The agent's program.
    #[must_use]
    pub fn exe(&self) -> &Path {
        &self.exe
    }

    /// Where its agent keeps what it must not lose.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.prefix.path().join(HOME).join("agent")
    }

    /// Sets a variable of its environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes the agent's configuration.
    pub fn configure(&self, config: &str) {
        let home = self.prefix.path().join(HOME);
        fs::create_dir_all(&home).expect("a writable directory");
        fs::write(home.join("agent.yaml"), format!("language: en\n{config}")).expect("the same");
    }

    fn environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.prefix.path())
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree,mshtml,winedbg.exe=d")
            .env("LANG", "C.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("DISPLAY")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let mut command = program::mortal(WINE);
        command.arg(program).args(arguments);
        self.environment(&mut command);
        command
    }

    /// Runs a program of Windows to its end. What it says goes into a file: Wine's helpers would
    /// hold a pipe open after it.
    #[must_use]
    pub fn run_program(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Done {
        let said = tempfile::NamedTempFile::new().expect("a temporary file");
        let into = || Stdio::from(said.as_file().try_clone().expect("a second handle"));
        let mut command = self.command(program, arguments);
        let status = command.stdout(into()).stderr(into()).status().expect("Wine starts");
        let said = fs::read(said.path()).expect("what was written");
        Done { status, said: String::from_utf8_lossy(&said).into_owned() }
    }

    /// Begins a program, and cuts the power off as soon as `then` is so, or it has ended.
    pub fn cut_off(&self, program: &str, arguments: &[&str], then: impl Fn() -> bool) {
        let mut command = self.command(program, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn().expect("Wine starts");
        while running.try_wait().expect("a child").is_none() && !then() {
            std::thread::sleep(LOOK_EVERY);
        }
        self.switch_off();
        let _ = running.wait();
    }

    /// The power is gone; the next command switches it on again.
    fn switch_off(&self) {
        // `-k` ends the Wine of this prefix alone; `-w` returns when it has ended.
        for order in ["-k", "-w"] {
            let mut server = Command::new(SERVER);
            self.environment(&mut server);
            let _ = server.arg(order).stdin(Stdio::null()).status();
        }
    }

    /// Runs a command of the agent to its end.
    #[must_use]
    pub fn agent(&self, arguments: &[&str]) -> Done {
        self.run_program(&self.exe, arguments)
    }

    /// Leaves it switched on between two commands: otherwise Wine ends a service soon after the
    /// last command has ended, and the next one is a new start of the system.
    pub fn stay_on(&self) {
        let mut server = Command::new(SERVER);
        self.environment(&mut server);
        let _ = server.arg("-p").stdin(Stdio::null()).status();
    }

    /// The agent's packages of these versions; `None`, aloud, where they cannot be made.
    #[must_use]
    pub fn packages<const N: usize>(&self, versions: &[&str; N]) -> Option<[PathBuf; N]> {
        let into = self.path("packages");
        let exe = self.stripped();
        for version in versions {
            let mut command = Command::new(top().join("deploy/windows/package.sh"));
            command.arg("--exe").arg(&exe).arg("--output").arg(&into);
            let made = program::finish({
                command.args(["--version", version]);
                command
            });
            if made.status.code() == Some(NO_PACKAGES) {
                println!("SKIPPED: {}", program::said(&made).trim());
                return None;
            }
            assert!(made.status.success(), "{}", program::said(&made));
        }
        // As Windows sees them.
        let name = |version: &&str| format!(r"C:\packages\nhipcau-agent-{version}.msi").into();
        Some(versions.each_ref().map(name))
    }

    /// A stick with what the zip has in it.
    #[must_use]
    pub fn stick(&self) -> TempDir {
        let stick = tempfile::tempdir().expect("a temporary directory");
        fs::copy(self.stripped(), stick.path().join("nhipcau-agent.exe")).expect("room");
        for script in ["cai-dat.cmd", "go-bo.cmd"] {
            let from = top().join("deploy/windows").join(script);
            fs::copy(from, stick.path().join(script)).expect("room");
        }
        stick
    }

    /// The program without its 50 MB of symbols.
    fn stripped(&self) -> PathBuf {
        let into = self.path("stripped.exe");
        let mut strip = Command::new("x86_64-w64-mingw32-strip");
        let done = strip.arg("-o").arg(&into).arg(&self.exe).status();
        assert!(done.is_ok_and(|status| status.success()), "the program cannot be stripped");
        into
    }

    /// Enrols the agent.
    #[track_caller]
    pub fn enrol(&self, code: &Code) {
        let done = self.agent(&["enroll", &code.to_string()]);
        assert!(done.status.success(), "enrolment failed: {}", done.said);
    }

    /// Starts the agent, once it is enrolled.
    pub fn run(&mut self) {
        let command = self.command(&self.exe, &["run"]);
        let mut program = Program::start("agent for Windows", command);
        program.hear("the agent's start", |line| line.contains("agent started").then_some(()));
        self.program = Some(program);
    }

    /// What Windows does when somebody signs in: starts the helper of the agent's service.
    #[must_use]
    pub fn sign_in(&self) -> Program {
        Program::start("helper in the session", self.command(&self.exe, &["session"]))
    }

    /// Ends the agent as a power cut would.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Presses Ctrl-C, which Wine makes of this signal: the agent ends in good order.
    #[track_caller]
    pub fn stop(&mut self) {
        let program = self.program.as_mut().expect("a running agent");
        program.signal(Signal::SIGINT);
        wait::until("the end of the agent", || wait::seen(!program.runs(), || program.said()));
        assert!(!program.said().contains("panicked at"), "{}", program.said());
        self.program = None;
    }

    /// Waits until next to nothing is in the agent's spool.
    #[track_caller]
    pub fn wait_until_drained(&self) {
        wait::until("a drained spool", || {
            let spooled = ledger::spooled(&self.state_dir()).len();
            wait::seen(spooled <= 2, || format!("{spooled} reports left"))
        });
    }
}

impl Drop for Pc {
    fn drop(&mut self) {
        self.program = None;
        // Its files can be removed when it has ended.
        self.switch_off();
    }
}

/// The project.
fn top() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests lie in the project").to_owned()
}

/// Where the agent for Windows is built, and the prefix that tests copy.
fn built() -> PathBuf {
    top().join("target/windows")
}

/// Copies what a Windows changes, and shares the rest, which is 700 MB.
fn copy(from: &Path, to: &Path) {
    let changed = |name: &str| {
        ["users", "ProgramData", "Program Files"].contains(&name)
            || Path::new(name).extension().is_some_and(|e| e == "reg")
    };
    copy_tree(from, to, &changed).expect("a copy of the prefix");
}

/// `changed` names what is copied with all below it; of the rest only directories are made anew.
fn copy_tree(from: &Path, to: &Path, changed: &dyn Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let copied = changed(&entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() && copied {
            copy_tree(&source, &target, &|_| true)?;
        } else if kind.is_dir() {
            copy_tree(&source, &target, changed)?;
        } else if copied {
            fs::copy(&source, &target)?;
        } else {
            fs::hard_link(&source, &target)?;
        }
    }
    Ok(())
}
