use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, Found, config, write_password};

/// A projector of Epson's shape: `ERR3` of what it does not tell in standby.
const ON: &[(&str, &str)] = &[
    ("%1POWR", "1"),
    ("%1ERST", "000000"),
    ("%1LAMP", "1234 1"),
    ("%1INF1", "EPSON"),
    ("%1INF2", "EPSON PJ-900"),
    ("%1CLSS", "2"),
    ("%1INPT", "31"),
    ("%1AVMT", "30"),
    ("%2IRES", "1920x1080"),
];

/// A device that answers from `answers`, what it does not know with `ERR1`. With a password, it
/// wants its proof before the first question.
async fn device(answers: Vec<(String, String)>, password: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let greeting = if password.is_some() { "PJLINK 1 498e4a67\r" } else { "PJLINK 0\r" };
            stream.write_all(greeting.as_bytes()).await.unwrap();
            let mut expected = password.map(|word| message::proof("498e4a67", word));
            let mut question = Vec::new();
            while stream.read_until(b'\r', &mut question).await.is_ok_and(|length| length > 0) {
                let text = String::from_utf8(std::mem::take(&mut question)).unwrap();
                let proof = expected.take().unwrap_or_default();
                let Some(text) = text.strip_prefix(&proof) else {
                    stream.write_all(b"PJLINK ERRA\r").await.unwrap();
                    break;
                };
                let name = text.get(..6).unwrap();
                assert_eq!(text.get(6..), Some(" ?\r"), "only questions are asked");
                let answer = answers.iter().find(|(of, _)| of == name);
                let answer = answer.map_or("ERR1", |(_, answer)| answer);
                stream.write_all(format!("{name}={answer}\r").as_bytes()).await.unwrap();
            }
        }
    });
    port
}

/// Answers other than those of [`ON`].
type Changes = &'static [(&'static str, &'static str)];

fn with(changes: Changes) -> Vec<(String, String)> {
    let changed = |name: &str| changes.iter().find(|(of, _)| *of == name).map(|(_, value)| *value);
    ON.iter()
        .map(|(name, value)| ((*name).to_owned(), changed(name).unwrap_or(value).to_owned()))
        .collect()
}

fn probe(port: u16, options: &str) -> Probe {
    Probe::Pjlink(config(&format!("{{ host: 127.0.0.1, port: {port}{options} }}")))
}

async fn run(changes: Changes, options: &str) -> Found {
    let port = device(with(changes), None).await;
    Bench::default().run(&mut probe(port, options)).await
}

#[tokio::test]
async fn a_projector_that_shows_its_picture_is_good() {
    let found = run(&[], ", input: \"31\", lamp_hours: 4000").await;
    assert_eq!(found.result, Ok(()));
    assert_eq!(found.troubles(), "");
    assert_eq!(found.labels("bridge_device_state"), ["EPSON PJ-900"]);
    assert_eq!(found.number_of("bridge_display_lamp_seconds", "lamp 1"), Some(4_442_400.0));
    assert!(found.steps().contains("EPSON PJ-900: on."), "{}", found.steps());
    assert!(found.steps().contains("It shows input 31 (HDMI/DVI)."));
}

#[tokio::test]
async fn everything_that_keeps_a_picture_away_is_told() {
    let cases: &[(Changes, &str, &str)] = &[
        (&[("%1POWR", "0"), ("%1ERST", "ERR3")], "", "EPSON PJ-900 switched_off"),
        (&[("%1POWR", "3")], "", "EPSON PJ-900 warming_up"),
        (&[("%1ERST", "020100")], "", "EPSON PJ-900 fault_reported, EPSON PJ-900 warning_reported"),
        (&[("%1AVMT", "31")], "", "EPSON PJ-900 picture_muted"),
        (&[("%1INPT", "11")], ", input: \"31\"", "EPSON PJ-900 wrong_input"),
        (&[("%2IRES", "-")], "", "EPSON PJ-900 no_signal"),
        (&[("%2IRES", "*")], "", ""),
        (&[("%1CLSS", "1"), ("%2IRES", "-")], "", ""),
        (&[("%1LAMP", "4001 1")], ", lamp_hours: 4000", "EPSON PJ-900 lamp_worn"),
        // A laser has no lamp, which is no fault.
        (&[("%1LAMP", "ERR1")], ", lamp_hours: 4000", ""),
        (&[("%1INF1", "ERR3"), ("%1INF2", "ERR3"), ("%1POWR", "0")], "", "127.0.0.1 switched_off"),
    ];
    for (changes, options, troubles) in cases {
        let found = run(changes, options).await;
        assert_eq!(found.result, Ok(()), "{changes:?}");
        assert_eq!(found.troubles(), *troubles, "{changes:?}");
    }
}

#[tokio::test]
async fn a_refused_password_is_sent_once_and_a_corrected_one_at_once() {
    let port = device(with(&[]), Some("JBMIAProjectorLink")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let write = |word: &str| write_password(&file, word);
    let mut probe = probe(port, &format!(", password_file: '{}'", file.display()));
    let mut bench = Bench::default();
    write("wrong");
    for _ in 0..2 {
        let found = bench.run(&mut probe).await;
        assert_eq!(found.result, Ok(()));
        assert_eq!(found.troubles(), "127.0.0.1 login_refused");
        assert!(!format!("{found:?}").contains("wrong\""));
    }
    let Probe::Pjlink(pjlink) = &probe else { unreachable!() };
    assert!(pjlink.refusal.forbids(&pjlink.password_file.as_ref().unwrap().read().unwrap()));
    write("JBMIAProjectorLink");
    let found = bench.run(&mut probe).await;
    assert_eq!((found.result.clone(), found.troubles().as_str()), (Ok(()), ""));
}

#[tokio::test]
async fn a_device_that_wants_a_password_nobody_gave_says_so() {
    let port = device(with(&[]), Some("secret")).await;
    let found = Bench::default().run(&mut probe(port, "")).await;
    assert_eq!(found.troubles(), "127.0.0.1 login_refused");
    assert!(found.troubles[0].detail.contains("no password_file"));
}

#[tokio::test]
async fn strangers_in_place_of_a_projector_are_told_apart() {
    for (greeting, answer, reason) in [
        ("SSH-2.0-OpenSSH_9.2\r\n", "", Reason::Protocol),
        ("PJLINK 0\r", "%1POWR=9\r", Reason::Protocol),
        ("PJLINK 0\r", "%1POWR=ERR4\r", Reason::Protocol),
        ("PJLINK 0\r", "", Reason::Protocol),
        ("PJLINK 7\r", "", Reason::Protocol),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(greeting.as_bytes()).await.unwrap();
            let mut question = Vec::new();
            if answer.is_empty() {
                return;
            }
            stream.read_until(b'\r', &mut question).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let found = Bench::default().run(&mut probe(port, "")).await;
        assert_eq!(found.reason(), Some(reason), "{greeting} {answer}: {}", found.detail());
        serving.await.unwrap();
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    for yaml in [
        "{}",
        "{ host: a, input: \"70\" }",
        "{ host: a, input: HDMI }",
        "{ host: a, lamp_hours: -1 }",
    ] {
        assert!(serde_yaml::from_str::<Pjlink>(yaml).is_err(), "{yaml}");
    }
}
