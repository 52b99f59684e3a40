//! How far each round trip time is from what the packet capture says.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

use tests::program::{Program, mortal};
use tests::wait;
use tests::wan::Wan;

use crate::Each;
use crate::contender::{CONTENDERS, Contender, Which};

/// Sorted errors in seconds of each contender, all running side by side for `time`.
pub(crate) fn measure(wan: &Wan, rate: u32, time: Duration) -> Each<Vec<f64>> {
    let folder = tempfile::tempdir().unwrap();
    let mut tcpdump = wan.inside(|| {
        let mut command = mortal("tcpdump");
        command.args(["-i", "wan0", "-nn", "-l", "-tt", "--time-stamp-precision=nano", "icmp"]);
        Program::start("tcpdump", command)
    });
    tcpdump.hear("the start of the capture", |line| line.contains("listening on").then_some(()));
    let mut programs = CONTENDERS.map(|contender| {
        let folder = folder.path().to_owned();
        wan.inside(move || {
            let command = (contender.command)(rate, contender.host, true, &folder);
            Program::start(contender.name, command)
        })
    });
    sleep(time);
    for program in &mut programs {
        program.terminate();
    }
    tcpdump.terminate();
    let capture = Capture::read(&whole(&tcpdump));
    std::array::from_fn(|n| errors(&CONTENDERS[n], &whole(&programs[n]), &capture))
}

/// All that a program said before it ended, once nothing more comes.
fn whole(program: &Program) -> String {
    let mut last = String::new();
    wait::until("the last words", || {
        let said = program.said();
        let still = said == last;
        last.clone_from(&said);
        if still { Ok(said) } else { Err("more".to_owned()) }
    })
}

fn errors(contender: &Contender, said: &str, capture: &Capture) -> Vec<f64> {
    let host = contender.host;
    let mut errors: Vec<f64> = said
        .lines()
        .filter_map(contender.told)
        .filter_map(|(which, told)| Some((told - capture.round_trip(host, &which)?).abs()))
        .collect();
    errors.sort_by(f64::total_cmp);
    assert!(!errors.is_empty(), "{} told nothing:\n{said}", contender.name);
    errors
}

/// What `tcpdump` saw.
#[derive(Default)]
struct Capture {
    /// The sequence numbers sent to a host, in their order.
    order: HashMap<String, Vec<u16>>,
    requests: HashMap<(String, u16), f64>,
    replies: HashMap<(String, u16), f64>,
}

impl Capture {
    /// Reads lines like `1795314370.399559120 IP 10.77.0.1 > 10.77.1.1: ICMP echo request, id 7,
    /// seq 1, length 64`.
    fn read(text: &str) -> Self {
        let mut capture = Self::default();
        for line in text.lines() {
            capture.note(line);
        }
        capture
    }

    fn note(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> =
            line.split([' ', ',', ':']).filter(|word| !word.is_empty()).collect();
        let [stamp, "IP", from, ">", to, "ICMP", "echo", kind, "id", _, "seq", sequence, ..] =
            words[..]
        else {
            return None;
        };
        // Seconds of today are enough, and leave an f64 its nanoseconds.
        let stamp: f64 = stamp.get(5..)?.parse().ok()?;
        let sequence: u16 = sequence.parse().ok()?;
        if kind == "request" {
            self.order.entry(to.to_owned()).or_default().push(sequence);
            self.requests.insert((to.to_owned(), sequence), stamp);
        } else {
            self.replies.insert((from.to_owned(), sequence), stamp);
        }
        Some(())
    }

    fn round_trip(&self, host: &str, which: &Which) -> Option<f64> {
        let sequence = match which {
            Which::Place(place) => *self.order.get(host)?.get(*place)?,
            Which::Sequence(sequence) => *sequence,
        };
        let key = (host.to_owned(), sequence);
        Some(self.replies.get(&key)? - self.requests.get(&key)?)
    }
}
