//! Passwords of devices: read from files that not everybody may read, and not sent again once
//! they were refused.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;
use wire::reading::{Failure, Reason};

use super::failure;
use crate::platform;

/// A refused password rests for so long: many devices lock an account after a few wrong ones, and
/// a probe must never be the one who did it.
const REFUSED_REST: Duration = Duration::from_hours(1);

/// A password file is one line.
const BYTES: u64 = 1024;

/// A file whose first line is a password.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct PasswordFile(PathBuf);

/// A password. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(Box<str>);

impl Secret {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl PasswordFile {
    /// The password, read anew at each run, so that a corrected one counts at once.
    pub(super) fn read(&self) -> Result<Secret, Failure> {
        read(&self.0)
    }
}

fn read(path: &Path) -> Result<Secret, Failure> {
    let what = format_args!("password file {}", path.display());
    let failed = |error| failure::of(&error, format_args!("read {what}"));
    let mut file = File::open(path).map_err(failed)?;
    if platform::is_open_to_all(&file).map_err(failed)? {
        let advice = platform::close_to_all(path);
        let detail = format_args!("{what} may be read by everybody on this PC: {advice}");
        return Err(Failure::new(Reason::Denied, detail));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(BYTES).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(Reason::Absent, format_args!("{what} is not UTF-8")))?;
    // Notepad puts one before the first character.
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    if line.is_empty() {
        let detail = format_args!("{what} has no password in its first line");
        return Err(Failure::new(Reason::Absent, detail));
    }
    Ok(Secret(line.into()))
}

/// Remembers a refused password.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusal {
    last: Option<(Secret, Instant)>,
}

impl Refusal {
    /// Whether this password was refused lately; another one was not.
    pub(super) fn forbids(&self, secret: &Secret) -> bool {
        self.last
            .as_ref()
            .is_some_and(|(refused, at)| refused == secret && at.elapsed() < REFUSED_REST)
    }

    pub(super) fn note(&mut self, secret: Secret) {
        self.last = Some((secret, Instant::now()));
    }

    /// What to do about it, after the words of who refused.
    pub(super) fn advice() -> String {
        let minutes = REFUSED_REST.as_secs() / 60;
        format!(
            "not tried again for {minutes} min or until its file changes, lest the account be locked"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_with(content: &[u8]) -> Result<Secret, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        platform::private_file(&path).unwrap().write_all(content).unwrap();
        read(&path)
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_a_group_may_read_is_taken_and_one_that_everybody_may_read_is_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "zanzibar").unwrap();
        for (mode, expected) in [(0o640, Ok(())), (0o644, Err(Reason::Denied))] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).map(drop).map_err(|failure| failure.reason), expected);
        }
    }

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        for content in ["zanzibar\n", "zanzibar\r\nmore\n", "zanzibar", "\u{feff}zanzibar\n"] {
            assert_eq!(read_with(content.as_bytes()).unwrap().reveal(), "zanzibar");
        }
        for (content, reason) in [
            (&b""[..], Reason::Absent),
            (b"\nzanzibar", Reason::Absent),
            (b"\xff\xfe", Reason::Absent),
        ] {
            assert_eq!(read_with(content).unwrap_err().reason, reason, "{content:?}");
        }
        assert_eq!(read(Path::new("/nowhere")).unwrap_err().reason, Reason::Absent);
    }

    #[test]
    fn a_refused_password_rests_and_a_corrected_one_does_not() {
        let (old, new) = (Secret("old".into()), Secret("new".into()));
        let mut refusal = Refusal::default();
        assert!(!refusal.forbids(&old));
        refusal.note(old.clone());
        assert!(refusal.forbids(&old) && !refusal.forbids(&new));
        refusal.last = Instant::now().checked_sub(REFUSED_REST).map(|at| (old.clone(), at));
        assert!(!refusal.forbids(&old));
        assert!(!format!("{refusal:?}").contains("old"));
    }
}
