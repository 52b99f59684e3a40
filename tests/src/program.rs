//! One real program: its process and everything it says.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait;

/// A running program. It ends with the test that started it, whatever becomes of the test.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    said: Arc<Mutex<String>>,
}

/// The program of that name which cargo built beside this executable.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this executable has a path");
    let found =
        here.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|p| p.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is not built beside {}: cargo build --workspace --bins", here.display())
    })
}

/// `program`, run so that it dies with the thread that starts it: also when a test is killed.
#[must_use]
pub fn mortal(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    // Colours would stand between a test and the text it looks for.
    command.env("NO_COLOR", "1").env("RUST_BACKTRACE", "1").stdin(Stdio::null());
    command
}

/// Runs a program to its end.
#[must_use]
pub fn finish(mut command: Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// All that a finished program said.
#[must_use]
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

impl Program {
    /// Starts it.
    #[must_use]
    pub fn start(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take(), &said);
        listen(child.stderr.take(), &said);
        Self { name: name.to_owned(), child, said }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for a line in which `pick` finds something. A program that ends first fails the test.
    #[track_caller]
    pub fn hear<T>(&mut self, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        wait::until(what, || {
            // Asked before the lines are read, so that its last words count.
            let ended = !self.runs();
            match self.said().lines().find_map(&pick) {
                Some(found) => Ok(found),
                None if ended => panic!("{} ended before {what}:\n{}", self.name, self.said()),
                None => Err(format!("{} has said:\n{}", self.name, self.said())),
            }
        })
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.id()).expect("process ids are small"));
        kill(id, signal).unwrap_or_else(|error| panic!("{signal} to {}: {error}", self.name));
    }

    /// Asks it to end, and waits.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        wait::until("the end of the program", || {
            let status = self.child.try_wait().expect("a child can be waited for");
            status.ok_or_else(|| self.said())
        })
    }

    /// Asks it to end: it must do so in good order and never have panicked.
    #[track_caller]
    pub fn stop(&mut self) {
        let status = self.terminate();
        let said = self.said();
        assert!(status.success(), "{} ended with {status}:\n{said}", self.name);
        assert!(!said.contains("panicked at"), "{} panicked:\n{said}", self.name);
    }
}

/// Processor time a process has used.
#[must_use]
pub fn processor_time(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // proc(5): utime and stime are fields 14 and 15; the name in field 2 may contain spaces.
    let fields = stat.rsplit(") ").next().into_iter().flat_map(|rest| rest.split(' '));
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    // USER_HZ is 100 on every Linux architecture Rust supports.
    Duration::from_millis(ticks * 10)
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let mut text = format!("---- {} said ----\n", self.name);
            for line in self.said().lines() {
                let _ = writeln!(text, "{}| {line}", self.name);
            }
            print!("{text}");
        }
    }
}

fn listen(pipe: Option<impl Read + Send + 'static>, said: &Arc<Mutex<String>>) {
    let (pipe, said) = (pipe.expect("the pipe was asked for"), Arc::clone(said));
    std::thread::spawn(move || {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            said.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}
