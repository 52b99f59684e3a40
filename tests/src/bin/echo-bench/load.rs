//! What runs in the processes of the agent's probe and of `surge-ping`.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use agent::platform::Ping;
use agent::platform::echo::Arrival;
use agent::probes::icmp::Icmp;
use agent::tally::{Run, Tally};
use surge_ping::{Client, Config, PingIdentifier, PingSequence};
use tokio::task::spawn_local;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// After this an echo is lost; the default of the probe.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Sends for ever.
pub(crate) fn run(what: String, rate: u32, host: IpAddr) {
    let gap = Duration::from_secs(1) / rate;
    if what == "bare" {
        return bare(gap, host);
    }
    let sending = async move {
        match what.as_str() {
            "probe" => probe(rate, host).await,
            "channel" => channel(gap, host).await,
            "surge" => surge(gap, host, false).await,
            "surge-loud" => surge(gap, host, true).await,
            _ => panic!("no load {what}"),
        }
    };
    // As the agent runs its probes.
    agent::runtime::block_on(async { spawn_local(sending).await.unwrap() }).unwrap();
}

/// The probe, run after run. It sends for 12.75 s of its cycle of 15 s and ends with the last
/// answer, so that this many echoes are a steady rate.
async fn probe(rate: u32, host: IpAddr) {
    let count = rate * 1275 / 100 + 1;
    let mut probe: Icmp =
        serde_yaml::from_str(&format!("{{ host: {host}, count: {count} }}")).unwrap();
    let mut tally = Tally::default();
    loop {
        let mut run = Run::new(&mut tally, Icmp::EVERY, Icmp::EVERY, false);
        probe.run(&mut run).await.unwrap();
        drop(run.finish());
    }
}

/// The channel below the probe, telling each round trip time.
async fn channel(gap: Duration, host: IpAddr) {
    let mut ping = Ping::open(SocketAddr::new(host, 0), u16::MAX, 56, TIMEOUT).unwrap();
    let began = Instant::now();
    for index in 0..u16::MAX {
        sleep_until(began + gap * u32::from(index)).await;
        for arrival in ping.waiting() {
            let Arrival::Reply { index, rtt } = arrival else { panic!("{arrival:?}") };
            println!("{index} {}", rtt.as_secs_f64());
        }
        ping.send(index).unwrap();
    }
}

/// The system calls of an echo, and nothing that makes a measurement of it.
fn bare(gap: Duration, host: IpAddr) {
    let (kind, protocol) = (socket2::Type::DGRAM, Some(socket2::Protocol::ICMPV4));
    let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, protocol).unwrap();
    socket.connect(&SocketAddr::new(host, 0).into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut request = [0; 64];
    // Echo request (RFC 792); the kernel fills in identifier and checksum.
    request[0] = 8;
    let mut next = std::time::Instant::now();
    for sequence in 0..u16::MAX {
        request[6..8].copy_from_slice(&sequence.to_be_bytes());
        socket.send(&request).unwrap();
        next += gap;
        std::thread::sleep(next.saturating_duration_since(std::time::Instant::now()));
        while (&socket).read(&mut [0; 128]).is_ok() {}
    }
}

/// As the library's own examples do it: one client, a task an echo.
async fn surge(gap: Duration, host: IpAddr, loud: bool) {
    let client = Client::new(&Config::default()).unwrap();
    let mut ticks = interval(gap);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for index in 0..u16::MAX {
        ticks.tick().await;
        let client = client.clone();
        tokio::spawn(async move {
            let mut pinger = client.pinger(host, PingIdentifier(7)).await;
            pinger.timeout(TIMEOUT);
            if let Ok((_, rtt)) = pinger.ping(PingSequence(index), &[0; 56]).await
                && loud
            {
                println!("{index} {}", rtt.as_secs_f64());
            }
        });
    }
}
