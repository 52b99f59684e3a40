//! How long a fault takes from the room to a person: real agents, the collector, Debian's
//! Prometheus and Alertmanager with the shipped rules, routes and intervals.
//!
//! `alarm-bench SITES ROUNDS` writes a table; see tests/bench/alarm.sh.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops at the first surprise")]

mod round;
mod sites;
mod table;

use round::Marks;
use sites::Sites;
use tests::dice::Dice;

/// What happens to a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// What its probe looks at answers no more.
    Target,
    /// Its line to the collector is cut without a word, as by a firewall or a broken fibre.
    Line,
    /// Its agent is killed.
    Agent,
}

impl Fault {
    /// The target first: before the meeting begins, for in it probes rest.
    const ALL: [Self; 3] = [Self::Target, Self::Line, Self::Agent];

    fn name(self) -> &'static str {
        match self {
            Self::Target => "what a probe looks at is gone",
            Self::Line => "the site's line is cut",
            Self::Agent => "the agent is killed",
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sites, rounds] = &arguments[..] else { panic!("alarm-bench SITES ROUNDS") };
    let (count, rounds): (usize, usize) = (sites.parse().unwrap(), rounds.parse().unwrap());
    let mut dice = Dice::loaded(1);
    let mut sites = Sites::start(count);
    println!("{}", table::HEAD);
    for fault in Fault::ALL {
        let mut all: Vec<Marks> = Vec::new();
        for number in 1..=rounds {
            sites.wait_until_well();
            all.extend(round::run(&mut sites, fault, &mut dice));
            sites.mend(fault);
            eprintln!("{}: round {number} of {rounds}", fault.name());
        }
        println!("{}", table::rows(fault, &all));
    }
}
