//! Debian's tinyproxy: a web proxy as authorities have them.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use tempfile::TempDir;

use crate::program::{self, Program};
use crate::prometheus::free_address;
use crate::wait;

/// A running proxy.
#[derive(Debug)]
pub struct Tinyproxy {
    /// Where it listens.
    pub address: SocketAddr,
    _program: Program,
    _folder: TempDir,
}

impl Tinyproxy {
    /// Starts one with these further lines of configuration; `None` where it is not installed.
    #[must_use]
    pub fn start(more: &str) -> Option<Self> {
        if !Command::new("tinyproxy").arg("-v").output().is_ok_and(|said| said.status.success()) {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (address, file) = (free_address(), folder.path().join("tinyproxy.conf"));
        let config =
            format!("Listen {}\nPort {}\nTimeout 60\n{more}\n", address.ip(), address.port());
        fs::write(&file, config).expect("a writable directory");
        let mut command = program::mortal("tinyproxy");
        command.arg("-d").arg("-c").arg(&file);
        let program = Program::start("tinyproxy", command);
        wait::until("a proxy", || {
            TcpStream::connect(address).map(drop).map_err(|error| error.to_string())
        });
        Some(Self { address, _program: program, _folder: folder })
    }
}
