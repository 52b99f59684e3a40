//! Which programs hold a device open, from `/proc/<pid>/fd` (proc(5)).

use std::fs;
use std::path::{Path, PathBuf};

use super::super::read_at;

/// Who holds files open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// A program of that name.
    Program(String),
    /// No program.
    Nobody,
    /// There are programs whose files this one may not see.
    Unseen,
}

/// Who holds one of `files` open.
pub(super) fn holder(root: &Path, files: &[PathBuf]) -> Holder {
    let Ok(entries) = fs::read_dir(root.join("proc")) else { return Holder::Unseen };
    let mut all_seen = true;
    for entry in entries.flatten() {
        let is_process =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if !entry.file_name().to_str().is_some_and(is_process) {
            continue;
        }
        match fs::read_dir(entry.path().join("fd")) {
            Ok(open) => {
                let holds = open
                    .flatten()
                    .filter_map(|fd| fs::read_link(fd.path()).ok())
                    .any(|target| files.contains(&target));
                if holds {
                    return Holder::Program(
                        read_at(&entry.path().join("comm")).unwrap_or_default(),
                    );
                }
            }
            // It ended meanwhile, or is a kernel thread.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => all_seen = false,
        }
    }
    if all_seen { Holder::Nobody } else { Holder::Unseen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    #[test]
    fn the_holder_is_named_and_nobody_is_said() {
        let tree = Tree::default();
        tree.file("proc/17/comm", "firefox");
        tree.link("proc/17/fd/3", "/dev/video0");
        tree.file("proc/18/comm", "bash");
        tree.link("proc/18/fd/0", "/dev/null");
        tree.file("proc/cpuinfo", "");
        let files = |name: &str| [PathBuf::from(name)];
        let root = tree.root();
        assert_eq!(holder(root, &files("/dev/video0")), Holder::Program("firefox".to_owned()));
        assert_eq!(holder(root, &files("/dev/video2")), Holder::Nobody);
    }
}
