//! Looks: every socket, file and probe of the doctor.

use std::path::Path;
use std::time::Duration;

use tokio::task::spawn_local;
use wire::ProbeName;
use wire::reading::Reading;
use wire::yaml::Faults;

use super::{Enrolment, Evidence, Since, Spool};
use crate::config::{self, Config, File};
use crate::contact::{self, Contact};
use crate::enrol::{self, Waiting};
use crate::identity::{self, Identity};
use crate::machine;
use crate::platform;
use crate::probes::resolve::Host;
use crate::run::unix_ms;
use crate::runner::Task;
use crate::spool::{self, SpoolError};
use crate::tally::{Tally, Trace};
use crate::uplink::{self, Cause, Closed};

/// Probes that spread their work over their interval take no longer: a person waits. It is the
/// cadence near a meeting.
const PACE: Duration = Duration::from_secs(5);

/// What a resolver takes to try its second server (resolv.conf(5)).
const RESOLVE: Duration = Duration::from_secs(8);

/// What is looked at wherever nobody configured it: this PC, its line, and its right to send echoes.
const ALWAYS: &str = "probes: { host: { host: {} }, power: { power: {} }, link: { link: {} }, \
                      clock: { clock: {} }, echo: { icmp: { host: 127.0.0.1, count: 1 } } }";

/// Looks at everything at once; with the line down each look ends by itself.
pub(super) async fn look(loaded: Result<Config, Faults>) -> Evidence {
    let configuration =
        loaded.as_ref().map(|config| config.tasks.len()).map_err(ToString::to_string);
    let (file, mut tasks) = match loaded {
        Ok(config) => (config.file, config.tasks),
        Err(_) => (File::default(), Vec::new()),
    };
    tasks.extend(always(|kind| tasks.iter().any(|task| task.probe.kind() == kind)));
    let spool = spool(&file);
    Evidence { configuration, spool, ..around(&file, tasks).await }
}

/// The same inside the running agent, which holds its spool and has measured by itself: `readings`
/// are what it found last.
pub(super) async fn look_within(file: &File, readings: Vec<Reading>) -> Evidence {
    let tasks = always(|kind| readings.iter().any(|reading| &*reading.kind == kind));
    let mut evidence = around(file, tasks).await;
    evidence.configuration = Ok(readings.len());
    evidence.spool = Spool::Held;
    evidence.probes.extend(readings.into_iter().map(|reading| (reading, Trace::default())));
    evidence
}

/// This PC and its way to the collector, and what `tasks` find; of configuration and spool nothing.
async fn around(file: &File, tasks: Vec<Task>) -> Evidence {
    let running: Vec<_> = tasks.into_iter().map(|task| spawn_local(run(task))).collect();
    let identity = identity::load(&file.state_dir);
    let waiting = enrol::waits(&file.state_dir);
    let (name, collector) = match (&identity, &waiting) {
        (Ok(Some(identity)), _) if !machine::is_another(&file.state_dir, identity) => {
            (resolved(&identity.collector).await, Some(knocked(identity, file).await))
        }
        (Ok(_), Some(waiting)) => {
            let reached = waiting.reach(file.proxy.as_deref()).await;
            (resolved(&waiting.collector()).await, Some(reached))
        }
        _ => (None, None),
    };
    let contact = contact::load(&file.state_dir).map(|contact| since(contact, collector.as_ref()));
    let mut probes = Vec::new();
    for probe in running {
        probes.extend(probe.await.ok());
    }
    Evidence {
        configuration: Ok(0),
        state_dir: file.state_dir.display().to_string(),
        rights: rights(&file.state_dir),
        enrolment: enrolment(identity, waiting.as_ref(), &file.state_dir),
        proxy: file.proxy.clone().or_else(from_environment),
        name,
        collector,
        contact,
        spool: Spool::None,
        probes,
    }
}

/// The probes of [`ALWAYS`] that nobody has by their kind. The echo is never anybody else's.
fn always(has: impl Fn(&str) -> bool) -> Vec<Task> {
    let always = config::parse(Path::new("doctor"), ALWAYS).map(|config| config.tasks);
    let named = always.unwrap_or_default().into_iter().filter_map(|task| {
        let echo = task.probe.kind() == "icmp";
        (echo || !has(task.probe.kind())).then(|| renamed(task, echo))
    });
    named.collect()
}

/// The echo to this PC itself bears a name that no configuration can give.
fn renamed(task: Task, echo: bool) -> Task {
    let own: Option<ProbeName> = super::judge::ECHO.parse().ok().filter(|_| echo);
    Task { name: own.unwrap_or(task.name), ..task }
}

async fn run(mut task: Task) -> (Reading, Trace) {
    let every = task.every.min(PACE);
    task.run(&mut Tally::default(), every, true).await
}

async fn resolved(collector: &str) -> Option<Result<(), String>> {
    let (host, port) = collector.rsplit_once(':')?;
    let host: Host = serde_json::from_value(host.trim_matches(['[', ']']).into()).ok()?;
    if host.is_address() {
        return None;
    }
    let found = host.addresses(port.parse().ok()?, RESOLVE).await;
    Some(found.map(drop).map_err(|failure| failure.to_string()))
}

async fn knocked(identity: &Identity, file: &File) -> Result<i64, Closed> {
    uplink::knock(identity, file.proxy.as_deref()).await.unwrap_or_else(|error| {
        Err(Closed { cause: Cause::Tls, mark: None, detail: error.to_string() })
    })
}

/// By the collector's clock if it was just heard, else by this PC's own, which may be wrong but was
/// as wrong then.
fn since(contact: Contact, collector: Option<&Result<i64, Closed>>) -> Since {
    let now = unix_ms();
    let ago = match collector {
        Some(Ok(offset)) => now.saturating_sub(*offset).saturating_sub(contact.at),
        _ => now.saturating_sub(contact.here),
    };
    Since { contact, ago_ms: u64::try_from(ago).ok() }
}

fn from_environment() -> Option<String> {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn enrolment(
    identity: Result<Option<Identity>, identity::IdentityError>,
    waiting: Option<&Waiting>,
    state_dir: &Path,
) -> Enrolment {
    match identity {
        Ok(None) => match (waiting, enrol::refused(state_dir)) {
            (Some(waiting), _) => waiting
                .number()
                .map_or_else(|| Enrolment::Kept(waiting.collector()), Enrolment::Waiting),
            (None, Some(error)) => Enrolment::Refused(error),
            (None, None) => Enrolment::Missing,
        },
        Ok(Some(identity)) if machine::is_another(state_dir, &identity) => {
            Enrolment::Elsewhere(identity.site.to_string())
        }
        Ok(Some(Identity { site, collector, .. })) => {
            Enrolment::Site { id: site.to_string(), collector }
        }
        Err(error) => Enrolment::Damaged(error.to_string()),
    }
}

/// Whether a file can be made there: asking the mode would not know of read-only disks.
fn rights(state_dir: &Path) -> Option<Result<(), String>> {
    if !state_dir.exists() {
        return None;
    }
    let trial = state_dir.join("doctor.new");
    let made = platform::private_file(&trial).and_then(|_| std::fs::remove_file(&trial));
    Some(made.map_err(|error| error.to_string()))
}

/// The running agent holds its spool, so this also tells whether it runs.
fn spool(file: &File) -> Spool {
    if !spool::exists(&file.state_dir) {
        return Spool::None;
    }
    match spool::Spool::open(&file.state_dir, file.spool.limits()) {
        Ok(spool) => Spool::Free(spool.close()),
        Err(SpoolError::InUse(_)) => Spool::Held,
        Err(error) => Spool::Unusable(error.to_string()),
    }
}
