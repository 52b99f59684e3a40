//! The installed program: runs the agent itself, or starts an update and watches over it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use wire::update::{How, Version};
use wire::yaml::Faults;

use super::Settings;
use super::child::{ACCEPTED, PROVED, Role, SWITCH};
use super::kept::{Kept, Taken, Turn};
use super::place::{Place, is_id};
use crate::config::Config;
use crate::run::{self, Ended, RunError};
use crate::{platform, version};

/// An agent ends within five seconds; a slow PC gets three times as long.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

/// What one that proved good must live for its starts to speak for nothing.
const LIVES: Duration = Duration::from_mins(1);

/// What ends a group of programs reaches the update a moment before this one knows of it.
const SAME_STOP: Duration = Duration::from_secs(1);

/// All that is needed to start.
#[derive(Debug)]
pub struct Start {
    /// The configuration file.
    pub path: PathBuf,
    /// What it says to this version. An update may understand what this one does not.
    pub config: Result<Config, Faults>,
    /// Whether the system's manager of services runs this.
    pub service: bool,
}

/// Why nothing could be run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SuperviseError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Config(Faults),
    /// Said to whoever reads the log; the service starts again.
    #[error("the agent, version {version}, ended by itself: {status}")]
    Ended { version: Version, status: ExitStatus },
    #[error("the update's program ended and nobody knows how: {0}")]
    Lost(#[from] io::Error),
    #[error("this program's own version is none: {0}")]
    Version(String),
}

/// Runs the agent until `stop`, as the version that is to run.
pub async fn supervise(start: Start, stop: CancellationToken) -> Result<(), SuperviseError> {
    let Some(settings) = Settings::read(&start.path) else {
        let config = start.config.map_err(SuperviseError::Config)?;
        run::run(config, &start.path, Role::Installed, stop).await?;
        return Ok(());
    };
    let installed = version::version().parse().map_err(SuperviseError::Version)?;
    let place = Place::of(&settings.state_dir);
    Supervisor { start, settings, installed, place, kept: Kept::default() }.run(stop).await
}

struct Supervisor {
    start: Start,
    settings: Settings,
    installed: Version,
    place: Place,
    kept: Kept,
}

/// How an update's run ended.
enum Outcome {
    Stopped,
    Switch(Box<str>),
    GivenUp(How, String),
    Ended(ExitStatus),
}

impl Supervisor {
    async fn run(mut self, stop: CancellationToken) -> Result<(), SuperviseError> {
        loop {
            let (kept, turn) = Kept::load(&self.settings.state_dir).begun(self.installed);
            self.keep(|_| kept);
            self.place.clean(self.kept.ids());
            let outcome = match &turn {
                Turn::Installed => self.own(&stop).await?,
                Turn::Good(id) => self.updated(id, false, &stop).await?,
                Turn::Trial(id) => self.updated(id, true, &stop).await?,
            };
            match outcome {
                Outcome::Stopped => {
                    self.keep(Kept::lived);
                    return Ok(());
                }
                Outcome::Switch(id) => self.switch(&id),
                Outcome::GivenUp(how, why) => {
                    tracing::error!(
                        "the update is given up, and what ran before runs again: {why}"
                    );
                    self.keep(|kept| kept.given_up(how, &why));
                }
                Outcome::Ended(status) => {
                    return Err(SuperviseError::Ended { version: self.installed, status });
                }
            }
            if stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// The agent in this program.
    async fn own(&self, stop: &CancellationToken) -> Result<Outcome, SuperviseError> {
        let config = self.start.config.clone().map_err(SuperviseError::Config)?;
        let ended = run::run(config, &self.start.path, Role::Installed, stop.clone()).await?;
        Ok(match ended {
            Ended::Stopped => Outcome::Stopped,
            Ended::Update(id) => Outcome::Switch(id),
        })
    }

    /// Takes an update that was fetched, if it is one to take: whoever says so may be an update.
    fn switch(&mut self, id: &str) {
        let keys = &self.settings.updates.keys;
        match self.place.verified(id, keys) {
            Ok((manifest, _)) => {
                tracing::info!(version = %manifest.version, "an update is tried");
                let taken = Taken {
                    id: id.into(),
                    version: manifest.version,
                    over: self.installed,
                    starts: 0,
                };
                self.keep(|kept| kept.took(taken, manifest.signed_at));
            }
            Err(why) => tracing::error!(id, "the update is not taken: {why}"),
        }
    }

    /// An update as a program of its own.
    async fn updated(
        &mut self,
        id: &str,
        on_trial: bool,
        stop: &CancellationToken,
    ) -> Result<Outcome, SuperviseError> {
        let program = match self.place.verified(id, &self.settings.updates.keys) {
            Ok((_, program)) => program,
            Err(why) => return Ok(Outcome::GivenUp(How::Refused, why)),
        };
        let child = self.command(&program, id, on_trial).spawn();
        let child = match child.and_then(Running::of) {
            Ok(child) => child,
            Err(error) => {
                let why = format!("it cannot be started: {error}");
                return Ok(Outcome::GivenUp(How::Died, why));
            }
        };
        self.watch(child, on_trial, stop).await
    }

    fn command(&self, program: &Path, id: &str, on_trial: bool) -> Command {
        let mut arguments: Vec<OsString> = vec!["--config".into(), self.start.path.clone().into()];
        arguments.extend(["updated".into(), id.into()]);
        arguments.extend(on_trial.then(|| "--trial".into()));
        arguments.extend(self.start.service.then(|| "--service".into()));
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn watch(
        &mut self,
        mut child: Running,
        on_trial: bool,
        stop: &CancellationToken,
    ) -> Result<Outcome, SuperviseError> {
        let lasts = if on_trial { self.settings.updates.trial.0 } else { LIVES };
        let mut over = std::pin::pin!(sleep(lasts));
        let (mut is_over, mut accepted, mut next) = (false, false, None);
        let status = loop {
            tokio::select! {
                line = child.said.next_line() => match line {
                    Ok(Some(line)) if line == ACCEPTED => accepted = true,
                    Ok(Some(line)) => next = switch_of(&line).or(next),
                    // Its last word was said.
                    Ok(None) | Err(_) => break child.program.wait().await?,
                },
                () = &mut over, if !is_over => {
                    is_over = true;
                    if on_trial && !accepted {
                        child.end().await;
                        let seconds = lasts.as_secs();
                        let why = format!("no report of its was accepted within {seconds} s");
                        return Ok(Outcome::GivenUp(How::Silent, why));
                    }
                    if on_trial {
                        tracing::info!("the update has proved itself");
                        self.keep(Kept::proved);
                        child.tell(PROVED).await;
                    }
                    self.keep(Kept::lived);
                    // From here on it only waits.
                    platform::trim_working_set();
                }
                () = stop.cancelled() => {
                    child.end().await;
                    return Ok(Outcome::Stopped);
                }
            }
        };
        if timeout(SAME_STOP, stop.cancelled()).await.is_ok() {
            return Ok(Outcome::Stopped);
        }
        Ok(match next {
            Some(id) if status.success() => Outcome::Switch(id),
            _ if on_trial && !is_over => {
                Outcome::GivenUp(How::Died, format!("it ended on trial: {status}"))
            }
            _ => Outcome::Ended(status),
        })
    }

    /// Changes what is kept. On a full disk it goes on all the same: after a start the update is
    /// tried again, or the installed program runs.
    fn keep(&mut self, change: impl FnOnce(Kept) -> Kept) {
        let before = self.kept.clone();
        self.kept = change(std::mem::take(&mut self.kept));
        if self.kept != before
            && let Err(error) = self.kept.save(&self.settings.state_dir)
        {
            tracing::error!(%error, "how the update stands could not be kept");
        }
    }
}

/// The id in an update's last word.
fn switch_of(line: &str) -> Option<Box<str>> {
    line.strip_prefix(SWITCH).filter(|id| is_id(id)).map(Into::into)
}

/// An update that runs.
struct Running {
    program: Child,
    hears: Option<ChildStdin>,
    said: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn of(mut program: Child) -> io::Result<Self> {
        let said = program.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let hears = program.stdin.take();
        Ok(Self { program, hears, said: BufReader::new(said).lines() })
    }

    async fn tell(&mut self, line: &str) {
        if let Some(hears) = &mut self.hears {
            // One that is gone is noticed by its end.
            let _ = hears.write_all(format!("{line}\n").as_bytes()).await;
        }
    }

    /// Asks it to end, and sees that it does.
    async fn end(&mut self) {
        self.hears = None;
        if timeout(ENDS_WITHIN, self.program.wait()).await.is_err() {
            tracing::warn!("the update does not end and is ended");
            let _ = self.program.kill().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_is_switched_to() {
        assert_eq!(switch_of("switch 0123456789abcdef").as_deref(), Some("0123456789abcdef"));
        for line in ["switch ../../bin", "switch ", "0123456789abcdef", "accepted"] {
            assert_eq!(switch_of(line), None);
        }
    }
}
