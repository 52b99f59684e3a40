//! What a program says of itself in its own file: version and platform, for whoever signs it.
//!
//! A program for Windows cannot be asked on Linux, and a person who types a version beside a file
//! slips. So the version stands in the program once, is found there by whoever signs, and is what
//! the program itself goes by.

use std::ops::Range;

use super::Version;

/// Bytes of a stamp.
pub const BYTES: usize = 96;

/// Marks a stamp; of the stamps' form, should it ever change, the last but one byte.
const MAGIC: [u8; 16] = *b"\x7fnhipcau-stamp\x01\0";

const VERSION: Range<usize> = 16..48;
const PLATFORM: Range<usize> = 48..BYTES;

/// The stamp of a program, to be a `static` of it. Evaluated at compile time, so that a text that
/// is too long stops the build.
#[must_use]
pub const fn stamp(version: &str, system: &str, processor: &str) -> [u8; BYTES] {
    let mut stamp = [0; BYTES];
    let at = put(&mut stamp, 0, BYTES, &MAGIC);
    put(&mut stamp, at, VERSION.end, version.as_bytes());
    let at = put(&mut stamp, PLATFORM.start, PLATFORM.end, system.as_bytes());
    let at = put(&mut stamp, at, PLATFORM.end, b"-");
    put(&mut stamp, at, PLATFORM.end, processor.as_bytes());
    stamp
}

/// Copies `text` to `at` and tells where it ended; it must end before `end`.
const fn put(stamp: &mut [u8; BYTES], at: usize, end: usize, text: &[u8]) -> usize {
    assert!(at + text.len() <= end, "too long for a stamp");
    let mut index = 0;
    while index < text.len() {
        stamp[at + index] = text[index];
        index += 1;
    }
    at + index
}

/// The version in a stamp.
#[must_use]
pub fn version(stamp: &[u8; BYTES]) -> &str {
    text(&stamp[VERSION])
}

/// The platform in a stamp.
#[must_use]
pub fn platform(stamp: &[u8; BYTES]) -> &str {
    text(&stamp[PLATFORM])
}

fn text(padded: &[u8]) -> &str {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    str::from_utf8(&padded[..end]).unwrap_or_default()
}

/// The one stamp in a program's file: its version and its platform. None where there is none, or
/// where several disagree.
#[must_use]
pub fn find(program: &[u8]) -> Option<(Version, String)> {
    let mut found = None;
    let starts = program.windows(MAGIC.len()).enumerate().filter(|(_, bytes)| *bytes == MAGIC);
    for (at, _) in starts {
        let Some(stamp) = program.get(at..at + BYTES).and_then(|stamp| stamp.try_into().ok())
        else {
            continue;
        };
        // The mark alone stands in every program that looks for it.
        let Ok(version) = version(stamp).parse() else { continue };
        let this = (version, platform(stamp).to_owned());
        if found.as_ref().is_some_and(|found| *found != this) {
            return None;
        }
        found = Some(this);
    }
    found.filter(|(_, platform)| super::manifest::is_platform(platform))
}

#[cfg(test)]
mod tests {
    use super::*;

    static STAMP: [u8; BYTES] = stamp("1.20.3", "linux", "x86_64");

    #[test]
    fn a_stamp_is_found_in_the_midst_of_a_program() {
        let program = [&[1; 1000], &STAMP[..], &MAGIC, &[2; 1000]].concat();
        let expected = ("1.20.3".parse().unwrap(), "linux-x86_64".to_owned());
        assert_eq!(find(&program), Some(expected));
        assert_eq!((version(&STAMP), platform(&STAMP)), ("1.20.3", "linux-x86_64"));
        assert_eq!(find(&[1; 1000]), None);
        assert_eq!(find(&STAMP[..BYTES - 1]), None);
        let other = stamp("1.20.4", "linux", "x86_64");
        assert_eq!(find(&[STAMP, other].concat()), None, "which is it?");
    }

    #[test]
    fn no_program_is_too_strange() {
        crate::mutations::survives(&[&STAMP[..]], |bytes| find(bytes).is_some());
    }
}
