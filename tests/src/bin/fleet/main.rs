//! A fleet of simulated sites that speak the real protocol through the agent's own code.
//!
//! ```text
//!                                   script, seed
//!   province ─▶ sites.yaml               │ faults
//!   calendar ─▶ meetings/fleet.yaml      ▼
//!   credentials ─▶ store        site: readings ─▶ agent's assembler ─▶ spool ─▶ uplink ══▶ collector
//!       `fleet prepare`                            `fleet run`: all on one thread
//! ```
#![expect(clippy::indexing_slicing, reason = "lists of one province have one length")]

mod calendar;
mod fault;
mod fleet;
mod line;
mod province;
mod readings;
mod script;
mod site;
mod status;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ::tests::{enrolled, wait};
use clap::{Args, Parser, Subcommand};

/// Simulated sites that speak the real protocol to a collector, with faults.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write inventory, meetings and credentials for a collector that does not run yet
    Prepare {
        #[command(flatten)]
        fleet: Fleet,
        /// Where `sites.yaml` and `meetings/fleet.yaml` are written
        #[arg(long)]
        folder: PathBuf,
    },
    /// Be the sites until Ctrl-C
    Run {
        #[command(flatten)]
        fleet: Fleet,
        /// The collector's address for agents
        #[arg(long)]
        collector: SocketAddr,
        /// What goes wrong where and when, as described in tests/src/bin/fleet/script.rs; without
        /// it, a bad morning: one uplink cut after a minute, and some of everything else
        #[arg(long)]
        script: Option<PathBuf>,
        /// Faults by chance of each site in an hour, which pass after minutes
        #[arg(long, default_value_t = 0.05)]
        chance: f64,
    },
}

/// Which fleet it is: given the same, `prepare` and `run` mean the same sites.
#[derive(Debug, Clone, Args)]
struct Fleet {
    /// How many sites; of 356, 316 are communes
    #[arg(long, default_value_t = 356)]
    sites: usize,
    /// Another seed makes another province and other faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The collector's state directory
    #[arg(long)]
    state_dir: PathBuf,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Prepare { fleet, folder } => prepare(&fleet, &folder),
        Command::Run { fleet, collector, script, chance } => {
            let script = script::Script::read(script.as_deref())?;
            agent::runtime::block_on(fleet::run(&fleet, collector, &script, chance))?
        }
    }
}

fn prepare(fleet: &Fleet, folder: &Path) -> anyhow::Result<()> {
    let places = province::places(fleet.sites, fleet.seed);
    std::fs::create_dir_all(folder.join("meetings"))?;
    std::fs::write(folder.join("sites.yaml"), province::inventory(&places))?;
    std::fs::write(folder.join("meetings/fleet.yaml"), calendar::meetings(wait::now()))?;
    let credentials =
        places.iter().map(|place| (place.id.as_str(), fleet::credential(fleet.seed, &place.id)));
    enrolled::write(&fleet.state_dir, credentials)
}
