//! The books of an agent and its collector, for tests that are scripts.
//!
//! ```text
//! books fill AGENT MEGABYTES       fills a stopped agent's spool to its cap, as an outage of days does
//! books spooled AGENT              how many reports wait in its spool
//! books produced AGENT             how many reports it ever made
//! books check COLLECTOR SITE AGENT nothing is lost but what the size cap dropped, nothing counted twice
//! ```
//! AGENT and COLLECTOR are state directories.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tests::ledger::{self, Books};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Fill { agent: PathBuf, megabytes: u64 },
    Spooled { agent: PathBuf },
    Produced { agent: PathBuf },
    Check { collector: PathBuf, site: String, agent: PathBuf },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Fill { agent, megabytes } => {
            let limits = agent::spool::Limits {
                bytes: megabytes * 1024 * 1024,
                age: Duration::from_hours(24),
            };
            println!("{}", ledger::fill(&agent, limits)?);
        }
        Command::Spooled { agent } => println!("{}", ledger::spooled(&agent).len()),
        Command::Produced { agent } => println!("{}", ledger::totals(&agent).produced),
        Command::Check { collector, site, agent } => {
            let books = Books::read(&collector, &site, &agent);
            books.assert_balanced_but_for_the_cap();
            println!("{:?}", books.totals);
        }
    }
    Ok(())
}
