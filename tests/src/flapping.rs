//! A web server whose answers alternate, so that every run of an `http` probe is news and every
//! news a report.

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::http;

type Turns = Arc<Mutex<HashMap<String, u64>>>;

/// Starts it: each path answers 200 and 503 in turn.
#[must_use]
pub fn start() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    let turns = Turns::default();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let turns = Arc::clone(&turns);
            std::thread::spawn(move || serve(&client, &turns));
        }
    });
    address
}

fn serve(client: &TcpStream, turns: &Turns) -> Option<()> {
    let mut reader = BufReader::new(client);
    loop {
        let first = http::line(&mut reader).ok()?;
        http::headers(&mut reader).ok()?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let turn = {
            let mut turns = turns.lock().unwrap();
            let turn = turns.entry(path).or_default();
            *turn += 1;
            *turn
        };
        let status = if turn.is_multiple_of(2) { "503 Busy" } else { "200 OK" };
        let mut writer = client;
        write!(writer, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}
