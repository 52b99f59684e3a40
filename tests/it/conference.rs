//! The way to the conference service, against the servers that provinces run.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tests::agent::once;
use tests::ports;
use tests::program::{Program, mortal};

/// A folder of a server: its configuration and its certificate, which it signed itself.
struct Folder {
    folder: TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.path().join("certificate.pem"), made.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Debian's Kamailio with `script` as its answer to every request; `None` where it is missing.
struct Kamailio {
    port: u16,
    tls: u16,
    folder: Folder,
    program: Program,
}

impl Kamailio {
    fn answering(script: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/kamailio").exists() {
            println!("SKIPPED: kamailio is not installed");
            return None;
        }
        let (folder, port, tls) = (Folder::new(), ports::free(), ports::free());
        let modules = format!("/usr/lib/{}-linux-gnu/kamailio/modules", std::env::consts::ARCH);
        let certificate = folder.path("certificate.pem");
        let config = format!(
            "debug=1\nlog_stderror=yes\nchildren=1\ntcp_children=1\nenable_tls=yes\n\
             listen=udp:127.0.0.1:{port}\nlisten=tcp:127.0.0.1:{port}\nlisten=tls:127.0.0.1:{tls}\n\
             mpath=\"{modules}\"\nloadmodule \"sl.so\"\nloadmodule \"pv.so\"\nloadmodule \"auth.so\"\nloadmodule \"textops.so\"\n\
             loadmodule \"tls.so\"\nmodparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\nmodparam(\"tls\", \"certificate\", \"{}\")\n\
             modparam(\"tls\", \"private_key\", \"{}\")\nrequest_route {{ {script} exit; }}\n",
            certificate.display(),
            folder.path("key.pem").display()
        );
        fs::write(folder.path("kamailio.cfg"), config).unwrap();
        let mut command = mortal("/usr/sbin/kamailio");
        command.args(["-DD", "-E", "-m", "16", "-M", "4", "-Y"]).arg(folder.folder.path());
        command.arg("-f").arg(folder.path("kamailio.cfg"));
        command.process_group(0);
        let program = Program::start("kamailio", command);
        tests::wait::until("a listening Kamailio", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
        });
        Some(Self { port, tls, folder, program })
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // All its processes at once: asked to end, it may wait a minute for one of its own.
        let group = Pid::from_raw(-i32::try_from(self.program.id()).unwrap());
        kill(group, Signal::SIGKILL).unwrap();
    }
}

#[test]
fn kamailio_answers_over_udp_tcp_and_tls() {
    let Some(kamailio) = Kamailio::answering("sl_send_reply(\"200\", \"Keepalive\");") else {
        return;
    };
    let Kamailio { port, tls, folder, .. } = &kamailio;
    let certificate = folder.path("certificate.pem");
    let over_tls = format!("port: {tls}, transport: tls, ca_file: {}", certificate.display());
    for (options, over) in [
        (format!("port: {port}"), "UDP"),
        (format!("port: {port}, transport: tcp"), "TCP"),
        (over_tls, "TLS"),
    ] {
        let (said, good) = once(&format!("{{ sip: {{ server: localhost, {options} }} }}"));
        assert!(good && said.contains(&format!("answered OPTIONS over {over} after ")), "{said}");
        assert!(said.contains("(kamailio (5."), "{said}");
        assert!(said.contains(": 200 Keepalive."), "{said}");
        assert_eq!(said.contains("certificate expires on"), over == "TLS", "{said}");
    }
    let (said, good) =
        once(&format!("{{ sip: {{ server: localhost, port: {tls}, transport: tls }} }}"));
    assert!(!good && said.contains("[tls: TLS with localhost: "), "{said}");
}

#[test]
fn a_server_that_cannot_serve_now_is_alive_and_a_trouble() {
    let script = "append_to_reply(\"Retry-After: 30\\r\\n\"); sl_send_reply(\"503\", \"Full\");";
    let Some(kamailio) = Kamailio::answering(script) else { return };
    let (said, good) =
        once(&format!("{{ sip: {{ server: 127.0.0.1, port: {} }} }}", kamailio.port));
    assert!(good && said.starts_with("! service (sip): needs attention"), "{said}");
    assert!(said.contains("[overloaded: 503 Full, retry after 30]"), "{said}");
}

#[test]
fn an_account_is_proven_by_digest() {
    let script = "if (!pv_auth_check(\"tinh\", \"zanzibar\", \"0\", \"0\")) \
                  { auth_challenge(\"tinh\", \"1\"); exit; } sl_send_reply(\"200\", \"Known\");";
    let Some(kamailio) = Kamailio::answering(script) else { return };
    let file = kamailio.folder.path("password");
    let probe = format!(
        "{{ sip: {{ server: 127.0.0.1, port: {}, user: th-0316, password_file: {} }} }}",
        kamailio.port,
        file.display()
    );
    fs::write(&file, "zanzibar\n").unwrap();
    let (said, good) = once(&probe);
    assert!(good && said.contains(": 200 Known."), "{said}");
    fs::write(&file, "biloxi\n").unwrap();
    let (said, good) = once(&probe);
    assert!(!good && said.contains("refused the password of th-0316"), "{said}");
    assert!(!said.contains("biloxi"), "{said}");
}

/// Debian's coturn; `None` where it is missing.
struct Coturn {
    port: u16,
    tls: u16,
    folder: Folder,
    _program: Program,
}

impl Coturn {
    fn start() -> Option<Self> {
        if !Path::new("/usr/bin/turnserver").exists() {
            println!("SKIPPED: coturn is not installed");
            return None;
        }
        let (folder, port, tls) = (Folder::new(), ports::free(), ports::free());
        let mut command = mortal("/usr/bin/turnserver");
        command
            .args(["-n", "--no-cli", "--lt-cred-mech", "--user=a:b", "--realm=tinh.gov.vn"])
            .args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--log-file=stdout"])
            .args(["--pidfile", "/dev/null"])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--tls-listening-port={tls}"))
            .arg(format!("--cert={}", folder.path("certificate.pem").display()))
            .arg(format!("--pkey={}", folder.path("key.pem").display()))
            .arg(format!("--userdb={}", folder.path("turndb").display()));
        let program = Program::start("coturn", command);
        tests::wait::until("a listening coturn", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
        });
        Some(Self { port, tls, folder, _program: program })
    }
}

#[test]
fn coturn_tells_the_address_and_its_401_proves_the_relay() {
    let Some(coturn) = Coturn::start() else { return };
    let Coturn { port, tls, folder, .. } = &coturn;
    let certificate = folder.path("certificate.pem");
    let over_tls = format!("port: {tls}, transport: tls, ca_file: {}", certificate.display());
    for options in [format!("port: {port}"), format!("port: {port}, transport: tcp"), over_tls] {
        let (said, good) = once(&format!("{{ stun: {{ server: localhost, {options} }} }}"));
        assert!(good && said.contains("The outside sees this PC at 127.0.0.1:"), "{said}");
        assert!(said.contains("(Coturn-4."), "{said}");
        let (said, good) = once(&format!("{{ turn: {{ server: localhost, {options} }} }}"));
        assert!(good && said.contains("The relay works (realm tinh.gov.vn, code 401)."), "{said}");
    }
}
