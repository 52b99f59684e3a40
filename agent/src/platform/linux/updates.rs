//! What updates still want of the PC.

use std::path::Path;

/// Whether a restart is due. Debian and its descendants leave a mark for it; elsewhere there is
/// none to look for.
pub(super) fn restart_pending(root: &Path) -> Option<bool> {
    let debian = root.join("etc/debian_version").exists();
    debian.then(|| root.join("run/reboot-required").exists())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_restart_is_due_where_debian_says_so() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(restart_pending(root.path()), None);
        for (directory, file) in [("etc", "debian_version"), ("run", "reboot-required")] {
            fs::create_dir(root.path().join(directory)).unwrap();
            if file == "reboot-required" {
                assert_eq!(restart_pending(root.path()), Some(false));
            }
            fs::write(root.path().join(directory).join(file), "").unwrap();
        }
        assert_eq!(restart_pending(root.path()), Some(true));
    }
}
