//! Where a password comes from: the terminal, without showing it; another program; or a file. Never
//! an argument, which every user of the machine can read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::sys::termios::{self, LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use wire::Language;

use crate::users::{LONGEST, Password};

/// Four bytes a character at most, and the end of the line.
const LINE_BYTES: u64 = LONGEST as u64 * 4 + 2;

/// What Ctrl-C types.
const INTERRUPT: u8 = 3;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file or the terminal cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file, or what stands for one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was typed differently the second time.
    #[error("typed differently the second time")]
    Different,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// The first line of `file`; without one of what another program sends; on a terminal what is typed
/// there twice.
pub(super) fn read(file: Option<&Path>, language: Language) -> Result<Password, PasswordError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| PasswordError::Read { path, source }
    };
    if let Some(path) = file {
        let line = File::open(path).and_then(|file| first_line(&mut BufReader::new(file)));
        return Ok(Password::new(&line.map_err(failed(path))?));
    }
    let input = io::stdin();
    if !input.is_terminal() {
        let line = first_line(&mut input.lock());
        return Ok(Password::new(&line.map_err(failed(Path::new("standard input")))?));
    }
    let first = ask(language.pick("Mật khẩu: ", "Password: "))?;
    let second = ask(language.pick("Nhập lại mật khẩu: ", "Password again: "))?;
    if first == second { Ok(Password::new(&first)) } else { Err(PasswordError::Different) }
}

fn first_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.take(LINE_BYTES).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask(prompt: &str) -> Result<String, PasswordError> {
    let failed = |source| PasswordError::Read { path: PathBuf::from("the terminal"), source };
    let line = {
        let _quiet = Quiet::begin().map_err(failed)?;
        eprint!("{prompt}");
        let line = typed_line();
        eprintln!();
        line.map_err(failed)?
    };
    if line.as_bytes().contains(&INTERRUPT) { Err(PasswordError::Interrupted) } else { Ok(line) }
}

/// A terminal gives one line at a time, however it was ended.
fn typed_line() -> io::Result<String> {
    let mut input = io::stdin().lock();
    let line = input.fill_buf()?.to_vec();
    input.consume(line.len());
    let line = String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that does not show what is typed. Ctrl-C ends the line in the place of the program, so
/// that it never leaves a terminal behind that shows nothing.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let input = io::stdin();
        let before = termios::tcgetattr(input.as_fd())?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
        quiet.control_chars[SpecialCharacterIndices::VEOL as usize] = INTERRUPT;
        termios::tcsetattr(input.as_fd(), SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The terminal has gone where it fails.
        let _ = termios::tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.0);
    }
}
