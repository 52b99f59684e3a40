//! Who is compared, and how each is started and understood.

use std::path::Path;
use std::process::Command;

use tests::program::mortal;

/// A program that sends echoes at a rate to a host.
pub(crate) struct Contender {
    /// In the table.
    pub(crate) name: &'static str,
    /// The host of its own, so that the capture can tell the programs apart.
    pub(crate) host: &'static str,
    /// Its command for that many echoes a second: for the count of its processor time as one
    /// would run it, or `loud`, telling each round trip time.
    pub(crate) command: fn(rate: u32, host: &str, loud: bool, folder: &Path) -> Command,
    /// Which echo a line tells of, and its round trip time in seconds.
    pub(crate) told: fn(line: &str) -> Option<(Which, f64)>,
}

/// How a program names an echo.
pub(crate) enum Which {
    /// By its place among its own, from 0.
    Place(usize),
    /// By the sequence number in the packet.
    Sequence(u16),
}

/// In the order of the table's columns; ours is first.
pub(crate) const CONTENDERS: [Contender; 4] = [
    Contender { name: "Nhịp Cầu", host: "10.77.1.1", command: ours, told: place },
    Contender { name: "surge-ping", host: "10.77.1.2", command: surge, told: place },
    Contender { name: "smokeping prober", host: "10.77.1.3", command: smokeping, told: logfmt },
    Contender { name: "fping", host: "10.77.1.4", command: fping, told: bracket },
];

/// What no program can do without: it sends, sleeps and takes what came, and heeds none of it.
pub(crate) const BARE: Contender = Contender {
    name: "system calls alone",
    host: "10.77.1.5",
    command: |rate, host, _, _| load("bare", rate, host),
    told: |_| None,
};

/// The real probe where processor time counts; the channel below it, which tells each time,
/// where accuracy counts.
fn ours(rate: u32, host: &str, loud: bool, _: &Path) -> Command {
    load(if loud { "channel" } else { "probe" }, rate, host)
}

fn surge(rate: u32, host: &str, loud: bool, _: &Path) -> Command {
    load(if loud { "surge-loud" } else { "surge" }, rate, host)
}

fn load(what: &str, rate: u32, host: &str) -> Command {
    let mut command = mortal(std::env::current_exe().unwrap());
    command.args(["load", what, &rate.to_string(), host]);
    command
}

fn smokeping(rate: u32, host: &str, loud: bool, folder: &Path) -> Command {
    // Without a file of its own it would also measure what Debian's names.
    let config = folder.join("smokeping.yml");
    std::fs::write(&config, "targets: []\n").unwrap();
    let mut command = mortal("prometheus-smokeping-prober");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--ping.interval={}ms", 1000 / rate));
    command.arg(if loud { "--log.level=debug" } else { "--log.level=info" });
    command.arg(host);
    command
}

fn fping(rate: u32, host: &str, loud: bool, _: &Path) -> Command {
    let mut command = mortal("fping");
    // Its time-out follows the period, which at a hundred a second would be less than the path.
    command.args(["-l", "-t", "2000", "-p", &(1000 / rate).to_string()]);
    if !loud {
        command.arg("-q");
    }
    command.arg(host);
    command
}

/// `17 0.040123`
fn place(line: &str) -> Option<(Which, f64)> {
    let (place, seconds) = line.split_once(' ')?;
    Some((Which::Place(place.parse().ok()?), seconds.parse().ok()?))
}

/// `… msg="Echo reply" … icmp_seq=2 time=40.123456ms ttl=64`
fn logfmt(line: &str) -> Option<(Which, f64)> {
    let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name));
    let time = field("time=")?;
    let seconds = match (time.strip_suffix("ms"), time.strip_suffix("µs")) {
        (Some(ms), _) => ms.parse::<f64>().ok()? / 1e3,
        (_, Some(us)) => us.parse::<f64>().ok()? / 1e6,
        _ => time.strip_suffix('s')?.parse().ok()?,
    };
    Some((Which::Sequence(field("icmp_seq=")?.parse().ok()?), seconds))
}

/// `10.77.1.4 : [17], 64 bytes, 40.1 ms (40.1 avg, 0% loss)`
fn bracket(line: &str) -> Option<(Which, f64)> {
    let (_, rest) = line.split_once(": [")?;
    let (place, rest) = rest.split_once("], ")?;
    let (_, rest) = rest.split_once("bytes, ")?;
    let (ms, _) = rest.split_once(" ms")?;
    Some((Which::Place(place.parse().ok()?), ms.parse::<f64>().ok()? / 1e3))
}
