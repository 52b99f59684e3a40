//! The helper in a user's session: it waits for questions of the service, and answers what that user
//! hears and sees. It holds nothing, changes nothing, and sleeps between two questions.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, ptr, thread};

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_ALREADY_EXISTS, GetLastError, HANDLE};
use windows_sys::Win32::Storage::FileSystem::SECURITY_ANONYMOUS;
use windows_sys::Win32::System::Console::FreeConsole;
use windows_sys::Win32::System::Pipes::GetNamedPipeServerProcessId;
use windows_sys::Win32::System::Threading::{CreateMutexW, DETACHED_PROCESS};

use super::super::service::process_of_service;
use super::super::{software, text::wide};
use super::listener::HELPER_RIGHTS;
use super::{PIPE, sign_in};
use crate::platform::session;
use crate::platform::windows::room;

/// Between two looks for the service, which starts two minutes after everything else. Removal of
/// the program waits for somewhat longer than this.
pub(in super::super) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// One helper is enough in each session.
const ONLY_ONE: &str = r"Local\NhipCauAgentSession";

/// Runs until the service is taken away or this program is replaced.
pub fn run_in_session() -> io::Result<()> {
    if !sign_in::wanted() {
        let words = "Windows starts this at sign-in, once the service is installed";
        return Err(io::Error::new(io::ErrorKind::Unsupported, words));
    }
    let Some(only) = Only::one() else { return Ok(()) };
    close_window();
    let program = Program::now()?;
    while sign_in::wanted() {
        if program.is_replaced() {
            drop(only);
            return program.begin_anew();
        }
        if let Some(pipe) = connect() {
            // It ends with the service, or by its doubts; both pass.
            let _ = serve(pipe);
            if !sign_in::wanted() {
                break;
            }
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Answers until the service closes the pipe.
pub(super) fn serve(mut pipe: impl Read + Write) -> io::Result<()> {
    loop {
        let mut header = [0; 4];
        pipe.read_exact(&mut header)?;
        let mut body = vec![0; session::length(header)?];
        pipe.read_exact(&mut body)?;
        let question = session::question(&body)?;
        let answer = session::answer(&question, room::look(question.about));
        // More than fits is no answer, and no reason to go.
        let answer = answer.or_else(|_| session::answer(&question, None))?;
        pipe.write_all(&answer)?;
    }
}

/// The pipe, where the service itself holds its other end. Whoever holds it learns not even who
/// this user is (`SECURITY_ANONYMOUS`).
fn connect() -> Option<File> {
    let mut options = OpenOptions::new();
    options.access_mode(HELPER_RIGHTS).share_mode(0).security_qos_flags(SECURITY_ANONYMOUS);
    let pipe = options.open(PIPE).ok()?;
    is_the_services(holder(&pipe)?, process_of_service()?, software::parent_of).then_some(pipe)
}

/// Whether a process is the service, or the update that the service has started in its place. Nobody
/// else can become a child of it.
pub(super) fn is_the_services(
    holder: u32,
    service: u32,
    parent_of: impl Fn(u32) -> Option<u32>,
) -> bool {
    holder == service || parent_of(holder) == Some(service)
}

/// The process that holds the other end.
#[expect(unsafe_code, reason = "a call to Windows")]
pub(super) fn holder(pipe: &File) -> Option<u32> {
    let mut process = 0;
    // SAFETY: the handle is open, and the number a live one.
    let told = unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut process) };
    (told != 0).then_some(process)
}

/// A program of the console gets a window with its start; whoever signs in must not look at it.
#[expect(unsafe_code, reason = "a call to Windows")]
fn close_window() {
    // SAFETY: nothing of this program writes to the console any more.
    unsafe { FreeConsole() };
}

/// The right to be the helper of this session, until it is dropped.
struct Only(HANDLE);

impl Only {
    #[expect(unsafe_code, reason = "calls to Windows")]
    fn one() -> Option<Self> {
        let name = wide(ONLY_ONE);
        // SAFETY: the name ends at a zero and outlives the call; the handle is closed in `drop`.
        let (made, existed) = unsafe {
            let made = CreateMutexW(ptr::null(), 0, name.as_ptr());
            (made, GetLastError() == ERROR_ALREADY_EXISTS)
        };
        if made.is_null() {
            return None;
        }
        Some(Self(made)).filter(|_| !existed)
    }
}

impl Drop for Only {
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn drop(&mut self) {
        // SAFETY: opened in `one`, closed once.
        unsafe { CloseHandle(self.0) };
    }
}

/// The file of this program as it was at its start.
struct Program {
    path: PathBuf,
    changed: SystemTime,
}

impl Program {
    fn now() -> io::Result<Self> {
        let path = env::current_exe()?;
        let changed = changed(&path)?;
        Ok(Self { path, changed })
    }

    /// Whether another version lies in its place. None at all is a moment of its replacement.
    fn is_replaced(&self) -> bool {
        changed(&self.path).is_ok_and(|changed| changed != self.changed)
    }

    fn begin_anew(&self) -> io::Result<()> {
        // The new one needs no window either.
        Command::new(&self.path).arg("session").creation_flags(DETACHED_PROCESS).spawn()?;
        Ok(())
    }
}

fn changed(path: &Path) -> io::Result<SystemTime> {
    path.metadata()?.modified()
}
