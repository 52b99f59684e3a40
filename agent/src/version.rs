//! This program's version and platform, as they stand in its own file for whoever signs it.

use std::env::consts::{ARCH, OS};
use std::hint::black_box;

use wire::update::stamp;

/// The one place of both in the program.
static STAMP: [u8; stamp::BYTES] = stamp::stamp(env!("CARGO_PKG_VERSION"), OS, ARCH);

/// The version of this program.
#[must_use]
pub fn version() -> &'static str {
    stamp::version(read())
}

/// What it runs on, as in `linux-x86_64`.
#[must_use]
pub fn platform() -> &'static str {
    stamp::platform(read())
}

/// From the file, not from what the compiler knew: so that what is found there is what is told.
fn read() -> &'static [u8; stamp::BYTES] {
    black_box(&STAMP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_signs_finds_in_the_file_what_the_program_says() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = stamp::find(&program);
        assert_eq!(found, Some((version().parse().unwrap(), platform().to_owned())));
    }
}
