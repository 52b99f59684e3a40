//! A damaged spool is kept for whoever wants to look, under `spool.db.damaged-N`.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The last ones are kept: enough to see a pattern, and bounded on a small disk.
const KEPT: u64 = 3;

/// Files `SQLite` keeps beside a database; a stranger's must not be applied to a new one.
const BESIDE: [&str; 3] = ["", "-wal", "-journal"];

/// Renames the database at `path` and what belongs to it; returns its new name.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let number = last(path) + 1;
    for suffix in BESIDE {
        match fs::rename(with(path, suffix), name(path, number, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    for suffix in BESIDE {
        // What cannot be removed only takes room.
        let _ = fs::remove_file(name(path, number.saturating_sub(KEPT), suffix));
    }
    Ok(name(path, number, ""))
}

/// The highest number given so far: as many files were ever set aside here.
pub(super) fn last(path: &Path) -> u64 {
    let Some((directory, file)) = path.parent().zip(path.file_name()) else { return 0 };
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let prefix = format!("{}.damaged-", file.to_string_lossy());
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix(&prefix)?.parse().ok())
        .max()
        .unwrap_or(0)
}

fn name(path: &Path, number: u64, suffix: &str) -> PathBuf {
    with(path, &format!(".damaged-{number}{suffix}"))
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
