//! Makes the load of a fleet for the benchmarks, with the real protocol.
//!
//! ```text
//! load prepare   credentials of N sites in a collector's store, and their inventory
//! load push      N sites push to the collector, each on its own connection
//! load back      N sites come back after an outage, with their backlog
//! load gateway   the same series pushed to Prometheus' Pushgateway
//! load bare      the least a collector could be, to push to
//! load relay     passes connections on and says how many bytes went each way
//! ```

mod back;
mod bare;
mod fleet;
mod gateway;
mod push;
mod relay;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use tests::program::processor_time;
use tokio::task::JoinHandle;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write credentials into a stopped collector's store and the inventory beside them
    Prepare {
        #[arg(long)]
        state_dir: PathBuf,
        #[arg(long)]
        inventory: PathBuf,
        #[arg(long)]
        sites: usize,
    },
    /// Push to a collector
    Push(Load),
    /// Come back to a collector after an outage; `rounds` reports of each site have waited
    Back(Load),
    /// Push to a Pushgateway
    Gateway(Load),
    /// Be the least that takes reports: TLS, zstd, JSON, a map
    Bare {
        #[arg(long)]
        listen: SocketAddr,
    },
    /// Pass connections on
    Relay {
        #[arg(long)]
        to: SocketAddr,
    },
}

/// How much, and how fast.
#[derive(Debug, Clone, Args)]
struct Load {
    #[arg(long)]
    to: SocketAddr,
    #[arg(long)]
    sites: usize,
    /// Series of each site
    #[arg(long, default_value_t = 200)]
    series: usize,
    /// Reports of each site, after its first
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Seconds between two reports of a site; 0: as fast as they are answered
    #[arg(long, default_value_t = 0)]
    every: u64,
    /// Requests on their way at a time where `every` is 0
    #[arg(long, default_value_t = 8)]
    at_once: usize,
    /// The process whose processor time is measured while the reports are pushed
    #[arg(long)]
    pid: u32,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Prepare { state_dir, inventory, sites } => {
            fleet::prepare(&state_dir, &inventory, sites)
        }
        Command::Push(load) => runtime()?.block_on(push::run(load)),
        Command::Back(load) => runtime()?.block_on(back::run(load)),
        Command::Gateway(load) => runtime()?.block_on(gateway::run(load)),
        Command::Bare { listen } => runtime()?.block_on(bare::run(listen)),
        Command::Relay { to } => {
            relay::run(to);
            Ok(())
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Answered requests' times, and how many were refused.
type Outcome = (Vec<Duration>, usize);

/// Waits for every site and prints how it went.
async fn tell(load: &Load, sites: Vec<JoinHandle<anyhow::Result<Outcome>>>) -> anyhow::Result<()> {
    let (begin, before) = (Instant::now(), processor_time(load.pid));
    let (mut took, mut refused) = (Vec::new(), 0);
    for site in sites {
        let (answered, failed) = site.await??;
        took.extend(answered);
        refused += failed;
    }
    let (lasted, used) = (begin.elapsed(), processor_time(load.pid).saturating_sub(before));
    took.sort_unstable();
    let at = |share: usize| {
        let place = took.len().saturating_sub(1) * share / 100;
        took.get(place).copied().unwrap_or_default()
    };
    println!(
        "{} answered, {refused} refused or failed, in {lasted:?}; each p50 {:?}, p99 {:?}, longest {:?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
    println!(
        "microseconds of processor time each: {}",
        used.as_micros() / (took.len().max(1) as u128)
    );
    println!("processor time: {used:?}");
    Ok(())
}
