//! Counts what a line would carry.

use std::net::SocketAddr;
use std::time::Duration;

use tests::link::Link;

/// Passes connections on until it is stopped; prints its address, then the bytes so far, up and
/// down, each second.
pub(crate) fn run(to: SocketAddr) {
    let link = Link::to(to);
    println!("{}", link.address());
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let (up, down) = link.bytes();
        println!("{up} {down} {}", link.connections());
    }
}
