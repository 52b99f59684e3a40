//! All sites of a fleet, from their start to Ctrl-C.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use agent::identity::Identity;
use agent::platform;
use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinHandle, spawn_local};
use tokio_util::sync::CancellationToken;
use wire::AgentInfo;
use wire::enrolment::sha256_hex;

use crate::Fleet;
use crate::fault::Troubles;
use crate::province::{self, Level, Place};
use crate::readings::Bridge;
use crate::script::{self, Script};
use crate::site::{Seen, Site};
use crate::status::Status;

/// How often is said what goes on.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Between the starts of two sites: a collector's handshakes of 10,000 take a minute, not all of
/// its processor.
const APART: Duration = Duration::from_millis(5);

/// A site has a connection for its reports and one for signs of life, and there is some more.
const FILES_EACH: u64 = 3;

/// What PCs of bridges run.
const SYSTEMS: [&str; 4] = [
    "Windows 10 Pro 22H2",
    "Windows 11 Pro 23H2",
    "Windows 10 Enterprise LTSC 2021",
    "Debian GNU/Linux 12",
];

/// The credential of a site, so that `prepare` and `run` agree. A guess away for whoever knows
/// the seed: such a collector is for trying things out.
pub(crate) fn credential(seed: u64, site: &str) -> String {
    sha256_hex(format!("{seed} {site}").as_bytes())
}

/// Runs the fleet until Ctrl-C.
pub(crate) async fn run(
    fleet: &Fleet,
    collector: SocketAddr,
    script: &Script,
    chance: f64,
) -> anyhow::Result<()> {
    let places = province::places(fleet.sites, fleet.seed);
    let spells = script.cast(&places, fleet.seed)?;
    allow_files(fleet.sites)?;
    let authority = authority(&fleet.state_dir)?;
    // Bound and never answered: what a cut line looks like from the site.
    let nowhere = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("faults of {} sites with seed {}:", fleet.sites, fleet.seed);
    for line in script::list(&places, &spells) {
        println!("  {line}");
    }
    let (collector, nowhere_at) = (collector.to_string(), nowhere.local_addr()?.to_string());
    let fleet_start = platform::monotonic_ms();
    let stop = CancellationToken::new();
    let (mut living, mut seen): (Vec<Living>, _) = (Vec::new(), Vec::new());
    for (number, (place, spells)) in places.iter().zip(spells).enumerate() {
        let sight = Rc::<RefCell<Seen>>::default();
        seen.push((place.id.clone(), Rc::clone(&sight)));
        let identity = identity(place, &collector, &authority, fleet.seed)?;
        let seed = fleet.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let site = Site {
            identity,
            nowhere: nowhere_at.clone(),
            agent: program(number),
            bridge: Bridge::new(seed, remoteness(place)),
            troubles: Troubles::new(spells, chance, seed),
            fleet_start,
            seen: sight,
        };
        living.push(spawn_local(begin(site, number, stop.clone())));
    }
    say_until_stopped(Status::new(seen)).await?;
    println!("stopping: every site pushes once more");
    stop.cancel();
    for site in living {
        site.await??;
    }
    Ok(())
}

type Living = JoinHandle<anyhow::Result<()>>;

async fn begin(site: Site, number: usize, stop: CancellationToken) -> anyhow::Result<()> {
    let wait = APART * u32::try_from(number).unwrap_or(u32::MAX);
    stop.run_until_cancelled(tokio::time::sleep(wait)).await;
    Ok(site.live(stop).await?)
}

/// Says a line every ten seconds, until Ctrl-C or a service manager ends it.
async fn say_until_stopped(mut status: Status) -> anyhow::Result<()> {
    let (mut interrupt, mut end) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut every = tokio::time::interval(SAY_EVERY);
    // The first tick is at once.
    every.tick().await;
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = end.recv() => return Ok(()),
            _ = every.tick() => println!("{}", status.look()),
        }
    }
}

fn identity(
    place: &Place,
    collector: &str,
    authority: &[u8],
    seed: u64,
) -> anyhow::Result<Identity> {
    let credential = serde_json::Value::from(credential(seed, &place.id));
    Ok(Identity {
        site: place.id.parse()?,
        collector: collector.to_owned(),
        authority: authority.to_owned(),
        credential: serde_json::from_value(credential)?,
    })
}

/// The certificate that a running collector has made.
fn authority(state_dir: &Path) -> anyhow::Result<Vec<u8>> {
    let file = state_dir.join("authority.pem");
    let certificate = CertificateDer::from_pem_file(&file).with_context(|| {
        format!("{}: the collector makes it at its first start", file.display())
    })?;
    Ok(certificate.to_vec())
}

fn program(number: usize) -> AgentInfo {
    let os = SYSTEMS[number * 7 % SYSTEMS.len()].into();
    AgentInfo { version: env!("CARGO_PKG_VERSION").into(), os }
}

/// How far from the province's centre, 0 to 1: lines into the mountains are longer.
fn remoteness(place: &Place) -> f64 {
    if place.level == Level::Commune { (105.9 - place.at.1).clamp(0.0, 1.2) / 1.2 } else { 0.0 }
}

fn allow_files(sites: usize) -> anyhow::Result<()> {
    let wanted = sites as u64 * FILES_EACH + 100;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    anyhow::ensure!(
        wanted <= hard,
        "{sites} sites need {wanted} open files and this user may have {hard}; raise it with ulimit -Hn"
    );
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    }
    Ok(())
}
