//! Broken forms of good messages, for the tests of everything that reads what strangers wrote.
//!
//! Random bytes rarely get past the first check of a parser; a good message with a few things
//! wrong does. Every parser of foreign bytes is a target, in the tests beside it. The same seed
//! makes the same inputs, everywhere; `SEED` asks for others and `FUZZ` for that many times more:
//! `FUZZ=100 tests/run.sh too_strange`.

use std::any::Any;
use std::env;
use std::fmt::{self, Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// What one target reads in all: a second or two of a slow machine without optimization.
const BYTES: usize = 2 * 1024 * 1024;

/// The fewest and the most inputs, so that long messages are broken in many ways and short ones
/// do not take all day.
const INPUTS: (usize, usize) = (400, 20_000);

/// Nothing that reads a message takes so long: it would never end.
const HANG: Duration = Duration::from_mins(2);

/// What may be kept of a message, for every byte of it: a byte may become an escaped character,
/// and a line of a list a record with a dozen fields.
const KEPT_PER_BYTE: usize = 400;

/// What may be kept of any message, such as the reasons for its refusal.
const KEPT_ANYWAY: usize = 64 * 1024;

/// Numbers and marks at which parsers stumble.
const ODDITIES: &[&[u8]] = &[
    b"0",
    b"-1",
    b"1e999",
    b"NaN",
    b"65536",
    b"4294967296",
    b"18446744073709551616",
    b"\0",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\"",
    b"\\",
    b"'",
    b"<",
    b"</",
    b"&#0;",
    b"&a;",
    b"]]>",
    b"{",
    b"[",
    b"}",
    b"]",
    b",",
    b";",
    b":",
    b"=",
    b" ",
    b"\t",
    b"%",
    b"../",
    b"\xFF\xFF",
    b"\x80",
    b"\0\0",
    b"\xEF\xBB\xBF",
    "\u{1EC7}".as_bytes(),
    "\u{202E}".as_bytes(),
    b"\xF0\x9F\x98\x80",
];

/// Hands `read` broken forms of `shapes`, and the shapes themselves. It may refuse any of them; it
/// may not panic, hang, or keep more than there is.
pub(crate) fn survives<T: AsRef<[u8]>, R: Debug>(shapes: &[T], mut read: impl FnMut(&[u8]) -> R) {
    let shapes: Vec<&[u8]> = shapes.iter().map(AsRef::as_ref).collect();
    let (seed, times) = (from_environment("SEED", 1), from_environment("FUZZ", 1));
    let count = inputs(&shapes) * usize::try_from(times).unwrap();
    let at = AtomicU64::new(0);
    let (done, waiting) = channel::<()>();
    let test = thread::current().name().unwrap_or_default().to_owned();
    thread::scope(|scope| {
        let (test, at) = (&test, &at);
        scope.spawn(move || guard(test, at, &waiting));
        // Dropped with the panic too, or the guard would wait for ever.
        let done = done;
        for index in 0..count {
            at.store(index as u64, Ordering::Relaxed);
            let input = match shapes.get(index) {
                Some(shape) => shape.to_vec(),
                None => broken(&shapes, &mut Dice::new(seed, index as u64)),
            };
            let whole = catch_unwind(AssertUnwindSafe(|| kept(&read(&input))));
            if let Err(why) = whole.and_then(|kept| bounded(kept, input.len())) {
                let (why, shown) = (words(&*why), input.escape_ascii());
                panic!("input {index} of SEED={seed}: {why}\n{shown}");
            }
        }
        drop(done);
    });
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |value| value.parse().expect(name))
}

fn inputs(shapes: &[&[u8]]) -> usize {
    let bytes: usize = shapes.iter().map(|shape| shape.len().max(1)).sum();
    (BYTES * shapes.len() / bytes).clamp(INPUTS.0, INPUTS.1)
}

/// Ends everything if one input takes for ever, for there is no other way to name it.
fn guard(test: &str, at: &AtomicU64, waiting: &Receiver<()>) {
    let mut before = None;
    while waiting.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout) {
        let now = Some(at.load(Ordering::Relaxed));
        if now == before {
            eprintln!("{test}: input {now:?} takes for ever");
            std::process::abort();
        }
        before = now;
    }
}

type Panic = Box<dyn Any + Send>;

fn bounded(kept: usize, length: usize) -> Result<(), Panic> {
    let most = KEPT_ANYWAY + KEPT_PER_BYTE * length;
    if kept <= most { Ok(()) } else { Err(Box::new(format!("keeps {kept} bytes of {length}"))) }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// How much there is to show of what was read.
fn kept(read: &impl Debug) -> usize {
    struct Length(usize);
    impl Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    write!(length, "{read:?}").unwrap();
    length.0
}

/// `SplitMix64` of Steele, Lea and Flood (OOPSLA 2014): each input has dice of its own, so that
/// one can be had again without those before it.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, index: u64) -> Self {
        Self(seed.wrapping_mul(0xD129_0D3A_5B4E_8F61) ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A stretch of `bytes`, mostly a short one.
    fn stretch(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let left = bytes.len() - start;
        let most = if self.below(4) == 0 { left } else { left.min(16) };
        start..start + self.below(most + 1)
    }
}

fn broken(shapes: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let mut input = dice.of(shapes).to_vec();
    for _ in 0..=dice.below(6) {
        mutate(&mut input, shapes, dice);
    }
    input
}

fn mutate(input: &mut Vec<u8>, shapes: &[&[u8]], dice: &mut Dice) {
    let part = dice.stretch(input);
    match dice.below(12) {
        0 | 1 if !input.is_empty() => {
            let at = dice.below(input.len());
            input[at] ^= 1 << dice.below(8);
        }
        2 if !input.is_empty() => {
            let at = dice.below(input.len());
            input[at] = *dice.of(&[0, 1, 0x7F, 0x80, 0xFF, b' ', b'\n', b'0', b'9']);
        }
        3 => drop(input.drain(part)),
        4 => input.truncate(part.start),
        5 => {
            let twice = input[part.clone()].to_vec();
            input.splice(part.start..part.start, twice);
        }
        6 => {
            let other = dice.of(shapes);
            let from = dice.stretch(other);
            input.splice(part, other[from].iter().copied());
        }
        7 => number(input, dice),
        8 if dice.below(8) == 0 => {
            // Much of the same: nested brackets, endless lists, endless lines.
            let times = 1 + dice.below(4096 / part.len().max(1));
            let many = input[part.clone()].repeat(times);
            input.splice(part, many);
        }
        9 => {
            let random: Vec<u8> =
                (0..dice.below(9)).map(|_| dice.next().to_le_bytes()[0]).collect();
            input.splice(part.start..part.start, random);
        }
        10 => drop(input.splice(part, dice.of(ODDITIES).iter().copied())),
        _ => drop(input.splice(part.start..part.start, dice.of(ODDITIES).iter().copied())),
    }
}

/// Another number in the place of one that stands there.
fn number(input: &mut Vec<u8>, dice: &mut Dice) {
    let from = dice.below(input.len());
    let Some(start) = (from..input.len()).find(|at| input[*at].is_ascii_digit()) else { return };
    let length = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let new = match dice.below(2) {
        0 => dice.of(ODDITIES).to_vec(),
        _ => (dice.next() >> dice.below(64)).to_string().into_bytes(),
    };
    input.splice(start..start + length, new);
}
