//! The service's end of the pipe: it makes it, hears the helpers, and asks the one whose user sits at
//! the PC's own screen.
//!
//! Any program of a signed-in user can open the pipe, and none can do more with it than be asked.
//! One helper of each session is kept, the newest; whoever answers late, wrong or not at all is
//! dropped, and comes again if it is a helper.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::sync::mpsc as answers;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use windows_sys::Win32::System::Pipes::GetNamedPipeClientSessionId;
use windows_sys::Win32::System::RemoteDesktop::WTSGetActiveConsoleSessionId;

use super::PIPE;
use crate::platform::session::{self, Question, Told, Topic};
use crate::platform::windows::private::{Rights, SERVICE_SID};

/// Windows answers a helper in milliseconds; a sound driver that hangs never answers.
const PATIENCE: Duration = Duration::from_secs(3);

/// Probes that may wait for their turn; there are five topics.
const QUESTIONS: usize = 16;

/// Users who are signed in at once, behind a switch of users or from afar.
const SESSIONS: usize = 8;

/// Between two that come: a program that comes again and again costs next to nothing then.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Between two attempts to make the pipe, which another program holds.
const PIPE_PAUSE: Duration = Duration::from_mins(1);

/// A helper only reads and writes. The right to make further ends of the pipe, which `GW` would
/// give (`FILE_CREATE_PIPE_INSTANCE`), would let a user stand in for the service: so
/// `FILE_READ_DATA`, `FILE_WRITE_DATA`, `FILE_READ_ATTRIBUTES`, `READ_CONTROL`, `SYNCHRONIZE`.
pub(super) const HELPER_RIGHTS: u32 = 0x0001 | 0x0002 | 0x0080 | 0x0002_0000 | 0x0010_0000;

/// Where probes put their questions; empty in a program that is no service.
static ASKED: Mutex<Option<mpsc::Sender<Asked>>> = Mutex::new(None);

/// A question of a probe, and where its answer goes.
struct Asked {
    about: Topic,
    answer: answers::SyncSender<Result<Told, &'static str>>,
}

/// Asks the helper of whoever sits at the PC. Waits; so it is for threads that may.
pub(super) fn ask(about: Topic) -> Result<Told, &'static str> {
    const ENDS: &str = "the service starts or ends";
    let (answer, answered) = answers::sync_channel(1);
    let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(ENDS)?;
    asked.try_send(Asked { about, answer }).map_err(|_| ENDS)?;
    // Others may be before it.
    answered.recv_timeout(PATIENCE * 2).unwrap_or(Err("its helper is slow to answer"))
}

/// Hears the helpers, for as long as the service runs; in a program that is none it does nothing.
pub async fn hear_sessions() {
    if super::super::service::is_service() {
        let (asked, questions) = mpsc::channel(QUESTIONS);
        // Again after an update that was tried and given up.
        *ASKED.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        hear(PIPE, questions, console_session).await;
    }
}

/// The session at the PC's own screen; `u32::MAX` while there is none.
#[expect(unsafe_code, reason = "a call to Windows")]
fn console_session() -> u32 {
    // SAFETY: it takes nothing.
    unsafe { WTSGetActiveConsoleSessionId() }
}

async fn hear(name: &str, mut questions: mpsc::Receiver<Asked>, at_the_screen: fn() -> u32) {
    let (mut helpers, mut said) = (Helpers::default(), false);
    loop {
        let came = match end(name, helpers.all.is_empty()) {
            Ok(end) => Coming { end: Some(end), not_before: Instant::now() + ACCEPT_PAUSE },
            Err(error) => {
                if !said {
                    tracing::warn!(
                        %error,
                        "the pipe {name} cannot be made, another program may hold it: what the \
                         signed-in user hears and sees stays unknown"
                    );
                }
                said = true;
                Coming { end: None, not_before: Instant::now() + PIPE_PAUSE }
            }
        };
        let Some(came) = came.while_answering(&mut questions, &mut helpers, at_the_screen).await
        else {
            return;
        };
        if let Some(end) = came.end {
            helpers.keep(end);
        }
    }
}

/// The next end of the pipe. The first one must be the very first of its name on this PC.
#[expect(unsafe_code, reason = "the rights of a pipe are given by a pointer")]
fn end(name: &str, first: bool) -> io::Result<NamedPipeServer> {
    let rights =
        Rights::of(&format!("D:P(A;;GA;;;{SERVICE_SID})(A;;GA;;;OW)(A;;{HELPER_RIGHTS:#x};;;IU)"))?;
    let mut attributes = rights.attributes();
    // SAFETY: the attributes and the rights that they point to outlive the call.
    unsafe {
        ServerOptions::new()
            .first_pipe_instance(first)
            .reject_remote_clients(true)
            .max_instances(SESSIONS + 1)
            .create_with_security_attributes_raw(name, (&raw mut attributes).cast())
    }
}

/// An end that waits for a helper; or, without one, a while until the next attempt.
struct Coming {
    end: Option<NamedPipeServer>,
    not_before: Instant,
}

impl Coming {
    /// Returns with itself when a helper has come or the while is over; `None` when nobody will ask
    /// any more. Meanwhile questions are answered.
    async fn while_answering(
        self,
        questions: &mut mpsc::Receiver<Asked>,
        helpers: &mut Helpers,
        at_the_screen: fn() -> u32,
    ) -> Option<Self> {
        loop {
            let came = async {
                sleep_until(self.not_before).await;
                match &self.end {
                    Some(end) => end.connect().await,
                    None => Ok(()),
                }
            };
            tokio::select! {
                came = came => return Some(Self { end: self.end.filter(|_| came.is_ok()), ..self }),
                question = questions.recv() => {
                    let asked = question?;
                    let answer = helpers.ask(asked.about, at_the_screen()).await;
                    // Whoever asked may have been cut off meanwhile.
                    let _ = asked.answer.try_send(answer);
                }
            }
        }
    }
}

/// A helper that came.
struct Helper {
    session: u32,
    end: NamedPipeServer,
}

impl Drop for Helper {
    fn drop(&mut self) {
        // At once: what is read or written meanwhile would hold the pipe open for a while.
        let _ = self.end.disconnect();
    }
}

/// The helpers that came, the newest last.
#[derive(Default)]
struct Helpers {
    all: Vec<Helper>,
    questions: u32,
}

impl Helpers {
    /// Keeps a helper in the place of an older one of its session, or of the oldest of all.
    fn keep(&mut self, end: NamedPipeServer) {
        let Some(session) = session_of(&end) else { return };
        self.all.retain(|other| other.session != session);
        if self.all.len() >= SESSIONS {
            self.all.remove(0);
        }
        self.all.push(Helper { session, end });
    }

    async fn ask(&mut self, about: Topic, at_the_screen: u32) -> Result<Told, &'static str> {
        let sessions: Vec<u32> = self.all.iter().map(|helper| helper.session).collect();
        let Some(chosen) = session::chosen(&sessions, at_the_screen) else {
            return Err("no helper in the session at the PC's own screen");
        };
        // It comes back only after a whole answer: half of one must not be taken for the next.
        let mut helper = self.all.remove(chosen);
        self.questions = self.questions.wrapping_add(1);
        let question = Question::new(self.questions, about);
        match timeout(PATIENCE, exchange(&mut helper.end, &question)).await {
            Ok(Ok(told)) => {
                self.all.push(helper);
                told.ok_or("Windows does not tell its helper")
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, session = helper.session, "a helper is dropped");
                Err("its helper has ended")
            }
            Err(_late) => Err("its helper does not answer"),
        }
    }
}

async fn exchange(end: &mut NamedPipeServer, question: &Question) -> io::Result<Option<Told>> {
    end.write_all(&session::asked(question)?).await?;
    let mut header = [0; 4];
    end.read_exact(&mut header).await?;
    let mut body = vec![0; session::length(header)?];
    end.read_exact(&mut body).await?;
    session::answered(&body, question)
}

/// In whose session the program at the other end is, by Windows' own word.
#[expect(unsafe_code, reason = "a call to Windows")]
fn session_of(end: &NamedPipeServer) -> Option<u32> {
    let mut session = 0;
    // SAFETY: the handle is open, and the number a live one.
    let told = unsafe { GetNamedPipeClientSessionId(end.as_raw_handle(), &raw mut session) };
    (told != 0).then_some(session)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
