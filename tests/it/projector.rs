//! A projector that misbehaves, and what stays open on it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::agent::{Agent, once};
use tests::scripted::Scripted;
use tests::wait;
use wire::Cause;

/// What becomes of a question: its answer in bytes, or silence until the asker has gone.
type Answer = fn(&str) -> Option<Vec<u8>>;

/// A projector with a password, and who came to it.
#[derive(Default)]
struct Visits {
    begun: AtomicUsize,
    ended: AtomicUsize,
    proofs: AtomicUsize,
}

/// Starts one that greets so and answers so.
fn projector(greeting: &'static str, answer: Answer) -> (u16, Arc<Visits>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let visits = Arc::new(Visits::default());
    let counted = Arc::clone(&visits);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            counted.begun.fetch_add(1, Ordering::SeqCst);
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || {
                let _ = serve(client, greeting, answer, &counted);
                counted.ended.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    (port, visits)
}

fn serve(
    client: TcpStream,
    greeting: &str,
    answer: Answer,
    visits: &Visits,
) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    client.get_mut().write_all(greeting.as_bytes())?;
    let mut question = Vec::new();
    while client.read_until(b'\r', &mut question)? > 0 {
        let text = String::from_utf8(std::mem::take(&mut question)).unwrap();
        if !text.starts_with('%') {
            visits.proofs.fetch_add(1, Ordering::SeqCst);
        }
        match answer(&text) {
            Some(bytes) => client.get_mut().write_all(&bytes)?,
            None => drop(client.read_to_end(&mut Vec::new())),
        }
    }
    Ok(())
}

/// One that shows its picture.
fn good(question: &str) -> Option<Vec<u8>> {
    let name = question.get(..6)?;
    let value = match name {
        "%1POWR" => "1",
        "%1ERST" => "000000",
        "%1LAMP" => "1234 1",
        "%1INF2" => "EPSON EB-L200F",
        "%1INPT" => "31",
        "%1AVMT" => "30",
        _ => "ERR1",
    };
    Some(format!("{name}={value}\r").into_bytes())
}

fn probe(port: u16, more: &str) -> String {
    format!("{{ every: 3s, pjlink: {{ host: 127.0.0.1, port: {port}{more} }} }}")
}

#[test]
fn whatever_a_projector_does_costs_the_reading_and_leaves_nothing_open() {
    let cases: [(&str, Answer, bool, &str); 10] = [
        ("PJLINK 0\r", good, true, "EPSON EB-L200F: on."),
        ("PJLINK 0\r", |_| None, false, "[timeout: "),
        ("", |_| None, false, "[timeout: "),
        ("PJLINK 0\r", |_| Some(b"%1POWR".to_vec()), false, "[timeout: "),
        ("PJLINK 0\r", |_| Some(b"%1POWR=ERR4\r".to_vec()), false, "[protocol: "),
        ("PJLINK 0\r", |_| Some(vec![b'%'; 100_000]), false, "a line without end"),
        ("PJLINK 0\r", |_| Some(b"\xFF\xFE\r".repeat(10_000)), false, "[timeout: "),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", |_| None, false, "this is no PJLink device"),
        ("PJLINK 1\r", |_| None, false, "[timeout: "),
        (
            "PJLINK 0\r",
            |question| if question.starts_with("%1POWR") { good(question) } else { None },
            false,
            "[timeout: ",
        ),
    ];
    for (index, (greeting, answer, well, part)) in cases.into_iter().enumerate() {
        let (port, visits) = projector(greeting, answer);
        let (said, found) = once(&probe(port, ""));
        assert_eq!(found, well, "{index}: {said}");
        assert!(said.contains(part), "{index}: {said}");
        let begun = visits.begun.load(Ordering::SeqCst);
        assert_eq!(begun, 1, "{index}");
        wait::until("the end of the visit", || {
            let ended = visits.ended.load(Ordering::SeqCst);
            wait::seen(ended == begun, || format!("{ended} of {begun}, case {index}"))
        });
    }
}

#[test]
fn a_refused_password_is_proven_once_however_often_the_probe_runs() {
    let (port, visits) = projector("PJLINK 1 498e4a67\r", |_| Some(b"PJLINK ERRA\r".to_vec()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "wrong").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let probe = probe(port, &format!(", password_file: {}", file.display()));
    let collector = Scripted::start([]);
    let config = format!("report_every: 5s\nprobes:\n  projector: {probe}\n");
    let mut agent = Agent::start(&config, &collector.code);
    wait::until("three readings of a refused password", || {
        let pushes = collector.pushes();
        let readings = pushes.iter().flat_map(|push| &push.reports).flat_map(|r| &r.readings);
        let troubles = readings.flat_map(|reading| &reading.troubles);
        let refused = troubles.filter(|t| t.cause == Cause::LoginRefused).count();
        wait::seen(refused >= 3, || format!("{refused}"))
    });
    agent.stop();
    assert_eq!(visits.proofs.load(Ordering::SeqCst), 1);
    wait::until("the end of every visit", || {
        let [begun, ended] = [&visits.begun, &visits.ended].map(|n| n.load(Ordering::SeqCst));
        wait::seen(begun == ended && begun >= 3, || format!("{ended} of {begun}"))
    });
}
