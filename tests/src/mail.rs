//! Debian's aiosmtpd: a mail server that keeps what it takes.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{self, Program};
use crate::prometheus::free_address;
use crate::wait;

/// Debian's own, for which the package is.
const PYTHON: &str = "/usr/bin/python3";
const PACKAGE: &str = "/usr/lib/python3/dist-packages/aiosmtpd";

/// Prints every mail as a reader shows it: recipient, subject, text.
const READ: &str = r#"
import email, email.policy, mailbox, sys
for mail in mailbox.Maildir(sys.argv[1], lambda f: email.message_from_binary_file(f, policy=email.policy.default)):
    print("To:", mail["To"])
    print("Subject:", mail["Subject"])
    print(mail.get_body(("plain",)).get_content())
"#;

/// A running mail server.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    _program: Program,
    folder: TempDir,
}

impl MailServer {
    /// Starts one; `None` where it is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !Path::new(PACKAGE).exists() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary directory");
        let address = free_address();
        let mut command = program::mortal(PYTHON);
        command.args(["-m", "aiosmtpd", "--nosetuid", "--listen", &address.to_string()]);
        command.args(["--class", "aiosmtpd.handlers.Mailbox"]).arg(folder.path().join("mail"));
        let program = Program::start("aiosmtpd", command);
        wait::until("a mail server", || {
            TcpStream::connect(address).map(drop).map_err(|error| error.to_string())
        });
        Some(Self { address, _program: program, folder })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All it has, as a reader shows it.
    #[must_use]
    pub fn read(&self) -> String {
        let mut command = Command::new(PYTHON);
        command.args(["-c", READ]).arg(self.folder.path().join("mail"));
        program::said(&program::finish(command))
    }
}
