//! Ports for programs that must be told theirs.

use std::net::{TcpListener, UdpSocket};

/// A port of 127.0.0.1 that is free for UDP and TCP now. Another program may take it before it is
/// used; the system hands ports out in turn, so that this takes thousands of others meanwhile.
///
/// # Panics
/// Where the system gives none.
#[must_use]
pub fn free() -> u16 {
    for _ in 0..100 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free for both UDP and TCP");
}
