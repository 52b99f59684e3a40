//! Follows what the collector offers: fetches, checks, and says when to switch.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use wire::UnixMillis;
use wire::update::{
    self, Failed, How, Manifest, NEAR_MEETING_MILLIS, PublicKey, Standing, Version,
};

use super::child::{ACCEPTED, Role, tell};
use super::fetch::{self, Trouble};
use super::kept::Kept;
use super::place::{self, Place};
use super::{Ends, Settings, reason};
use crate::cadence::Timetable;
use crate::config::File;
use crate::platform;
use crate::uplink::Fetcher;
use crate::version;

/// Between two tries where the line, the disk or the collector was in the way, and between two
/// looks whether a meeting is near.
const AGAIN: Duration = Duration::from_secs(30);

/// A program that says its version or reads a file is done at once; on a slow PC with a virus
/// scanner in seconds.
const SELF_TEST: Duration = Duration::from_secs(30);

/// The one who follows updates.
#[derive(Debug)]
pub(crate) struct Follower {
    place: Place,
    keys: Vec<PublicKey>,
    config: PathBuf,
    fetcher: Fetcher,
    offered: watch::Receiver<Option<Box<str>>>,
    accepted: watch::Receiver<bool>,
    timetable: watch::Receiver<Timetable>,
    standing: watch::Sender<Standing>,
    role: Role,
    newest: UnixMillis,
}

/// All that following needs before there is an uplink.
#[derive(Debug)]
pub(crate) struct Updating {
    settings: Settings,
    offered: watch::Receiver<Option<Box<str>>>,
    accepted: watch::Receiver<bool>,
    timetable: watch::Receiver<Timetable>,
    standing: watch::Sender<Standing>,
}

impl Updating {
    /// Where updates are on: what the uplink gets of them, and what becomes the follower.
    pub(crate) fn of(file: &File, timetable: watch::Receiver<Timetable>) -> Option<(Ends, Self)> {
        let updates = file.updates.clone();
        if !updates.are_on() {
            return None;
        }
        let settings = Settings { state_dir: file.state_dir.clone(), updates };
        let (offer, offered) = watch::channel(None);
        let (accept, accepted) = watch::channel(false);
        let (standing, stands) = watch::channel(Standing::default());
        let ends = Ends { offered: offer, standing: stands, accepted: accept };
        Some((ends, Self { settings, offered, accepted, timetable, standing }))
    }

    /// The follower in a program of that role, whose configuration was read from `config`. Says
    /// how this agent stands.
    pub(crate) fn follower(self, config: &Path, role: Role, fetcher: Fetcher) -> Follower {
        let Self { settings, offered, accepted, timetable, standing } = self;
        let kept = Kept::load(&settings.state_dir);
        standing.send_modify(|standing| {
            standing.platform = version::platform().into();
            standing.failed = kept.failed().cloned();
        });
        let follower = Follower {
            place: Place::of(&settings.state_dir),
            keys: settings.updates.keys,
            config: config.to_owned(),
            fetcher,
            offered,
            accepted,
            timetable,
            standing,
            role,
            newest: kept.newest(),
        };
        follower.say_what_runs();
        follower
    }
}

impl Follower {
    fn say_what_runs(&self) {
        if let Role::Updated { id, proved } = &self.role {
            let (running, trying) =
                if *proved.borrow() { (Some(id.clone()), None) } else { (None, Some(id.clone())) };
            self.standing.send_modify(|standing| {
                (standing.running, standing.trying) = (running, trying);
            });
        }
    }

    /// Follows until there is an update to switch to; gives its id.
    pub(crate) async fn run(mut self) -> Box<str> {
        if let Role::Updated { proved, .. } = self.role.clone() {
            self.prove(proved).await;
        }
        loop {
            let offered = self.offered.borrow_and_update().clone();
            if let Some(id) = offered.filter(|id| place::is_id(id) && !self.knows(id)) {
                match self.prepare(&id).await {
                    Ok(()) if self.is_calm() && self.is_offered(&id) => return id,
                    Ok(()) => {}
                    Err(Trouble::Later(told)) => {
                        tracing::warn!(id, "the update is not here yet: {told}");
                    }
                    Err(Trouble::Refused(told)) => self.refuse(id, &told),
                }
            }
            tokio::select! {
                changed = self.offered.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
                () = sleep(AGAIN) => {}
            }
        }
    }

    /// Tells the installed program that a report came through, and waits for its word.
    async fn prove(&mut self, mut proved: watch::Receiver<bool>) {
        if self.accepted.wait_for(|accepted| *accepted).await.is_ok() {
            tell(ACCEPTED);
        }
        if proved.wait_for(|proved| *proved).await.is_err() {
            // Nobody is there who could start another.
            return std::future::pending().await;
        }
        self.say_what_runs();
    }

    fn knows(&self, id: &str) -> bool {
        let standing = self.standing.borrow();
        standing.running.as_deref() == Some(id)
            || standing.failed.as_ref().is_some_and(|failed| *failed.id == *id)
    }

    fn is_offered(&self, id: &str) -> bool {
        self.offered.borrow().as_deref() == Some(id)
    }

    fn is_calm(&self) -> bool {
        let now = platform::monotonic_ms();
        !self.timetable.borrow().is_near(now, NEAR_MEETING_MILLIS)
    }

    fn refuse(&self, id: Box<str>, told: &str) {
        tracing::error!(id, "the update is refused: {told}");
        let failed = Failed { id, how: How::Refused, reason: reason(told) };
        self.standing.send_modify(|standing| standing.failed = Some(failed));
    }

    /// Brings an update to where only its start is missing.
    async fn prepare(&self, id: &str) -> Result<(), Trouble> {
        if !self.is_calm() {
            return Ok(());
        }
        let manifest = self.manifest(id).await?;
        if self.place.program(id).exists() {
            return self.test(id, &manifest).await;
        }
        tracing::info!(version = %manifest.version, bytes = manifest.size, "an update is fetched");
        let goes_on = || self.is_calm() && self.is_offered(id);
        fetch::program(&self.fetcher, &self.place, (id, &manifest), goes_on).await?;
        let (place, named, of) = (self.place.clone(), id.to_owned(), manifest.clone());
        let complete = tokio::task::spawn_blocking(move || place.complete(&named, &of));
        match complete.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(Ok(())) => self.test(id, &manifest).await,
            Ok(Err(fault)) => Err(Trouble::Refused(fault)),
            Err(error) => Err(Trouble::Later(format!("it could not be kept: {error}"))),
        }
    }

    /// The manifest, signed and meant for this agent, and kept.
    async fn manifest(&self, id: &str) -> Result<Manifest, Trouble> {
        let text = self.fetcher.manifest().await.map_err(Trouble::Later)?;
        let Some(text) = text.filter(|text| *update::id(text) == *id) else {
            return Err(Trouble::Later("the offer has changed".to_owned()));
        };
        let manifest =
            update::open(&text, &self.keys).map_err(|fault| Trouble::Refused(fault.to_string()))?;
        let running = version::version().parse().map_err(Trouble::Refused)?;
        fits(&manifest, running, self.newest).map_err(Trouble::Refused)?;
        self.place
            .begin(id, &text)
            .map_err(|error| Trouble::Later(format!("it could not be kept: {error}")))?;
        Ok(manifest)
    }

    /// Whether it starts here at all, is the version that was signed and takes this PC's own
    /// configuration.
    async fn test(&self, id: &str, manifest: &Manifest) -> Result<(), Trouble> {
        let program = self.place.program(id);
        let said = started(Command::new(&program).arg("--version")).await?;
        let expected = format!("nhipcau-agent {}", manifest.version);
        if said.trim() != expected {
            let said: String = said.chars().take(80).collect();
            return Err(Trouble::Refused(format!("it calls itself {said:?}, not {expected:?}")));
        }
        if self.config.exists() {
            started(Command::new(&program).arg("--config").arg(&self.config).arg("check")).await?;
        }
        Ok(())
    }
}

/// What a program says that ends well.
async fn started(command: &mut Command) -> Result<String, Trouble> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(SELF_TEST, command.output()).await;
    match output {
        Ok(Ok(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(Ok(output)) => {
            let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(Trouble::Refused(format!("its self-test ends with {}: {told}", output.status)))
        }
        Ok(Err(error)) => Err(Trouble::Refused(format!("it cannot be started here: {error}"))),
        Err(_) => Err(Trouble::Refused("its self-test does not end".to_owned())),
    }
}

/// Whether a manifest is meant for an agent of the version `running`, whose last update was signed
/// at `newest`. Pure.
fn fits(manifest: &Manifest, running: Version, newest: UnixMillis) -> Result<(), String> {
    let Manifest { version, platform, signed_at, downgrade, .. } = manifest;
    if **platform != *version::platform() {
        return Err(format!("it is for {platform}, this PC is {}", version::platform()));
    }
    if *signed_at <= newest {
        return Err("it was signed before the update that was taken last".to_owned());
    }
    if *version == running {
        return Err(format!("it is {version}, which runs already"));
    }
    if *version < running && !downgrade {
        return Err(format!("it is {version}, older than {running}, and not signed to go back"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_or_signed_to_go_back_is_taken() {
        let manifest = |version: &str, downgrade: bool, signed_at: UnixMillis| Manifest {
            version: version.parse().unwrap(),
            platform: version::platform().into(),
            size: 1,
            sha256: [0; 32],
            signed_at,
            downgrade,
        };
        let running = "0.2.0".parse().unwrap();
        for (manifest, said) in [
            (manifest("0.3.0", false, 6), None),
            (manifest("0.1.0", true, 6), None),
            (manifest("0.1.0", false, 6), Some("not signed to go back")),
            (manifest("0.2.0", true, 6), Some("runs already")),
            (manifest("0.3.0", false, 5), Some("signed before")),
            (manifest("0.1.0", true, 5), Some("signed before")),
            (
                Manifest { platform: "beos-ppc".into(), ..manifest("0.3.0", false, 6) },
                Some("beos-ppc"),
            ),
        ] {
            let fits = fits(&manifest, running, 5);
            match said {
                None => assert_eq!(fits, Ok(())),
                Some(said) => assert!(fits.as_ref().unwrap_err().contains(said), "{fits:?}"),
            }
        }
    }
}
