//! Echo side by side: the agent's probe, `surge-ping`, Debian's smokeping prober and fping, all at
//! once on one emulated path of 40 ms, with `tcpdump` as the judge.
//!
//! `echo-bench SECONDS` writes a table; see tests/bench/echo.sh.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops at the first surprise")]

mod contender;
mod cost;
mod error;
mod load;
mod table;

use std::time::Duration;

use contender::CONTENDERS;
use tests::wan::{Conditions, Wan};

/// The path of the table: no jitter, so that every difference is the program's own.
const PATH: Conditions = Conditions {
    delay: Duration::from_millis(40),
    jitter: Duration::ZERO,
    loss: 0.0,
    duplicate: 0.0,
    straggle: 0.0,
    straggle_by: Duration::ZERO,
    forged: false,
    rate: 0,
    seed: 0,
};

/// Echoes a second.
const RATES: [u32; 2] = [10, 100];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["load", what, rate, host] => {
            load::run(what.to_owned(), rate.parse().unwrap(), host.parse().unwrap());
        }
        [seconds] => compare(Duration::from_secs(seconds.parse().unwrap())),
        _ => panic!("echo-bench SECONDS"),
    }
}

fn compare(time: Duration) {
    println!("{}", table::HEAD);
    for rate in RATES {
        let costs = cost::measure(&path(), rate, time);
        let errors = error::measure(&path(), rate, time);
        println!("{}", table::rows(rate, &costs, &errors));
    }
    println!("{}", table::foot(time));
}

fn path() -> Wan {
    let wan = Wan::start(PATH).unwrap_or_else(|why| panic!("{why}"));
    wan.allow_ping_sockets("0 0");
    wan
}

/// One number of each contender.
type Each<T> = [T; CONTENDERS.len()];
