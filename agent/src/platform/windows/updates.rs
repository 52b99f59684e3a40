//! Whether an update waits for a restart, by the marks that its parts leave in the registry.

use super::registry::{Key, MACHINE};

/// Keys that are there only while a restart is waited for: of the servicing of Windows' own files,
/// and of Windows Update.
const MARKS: &[&str] = &[
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
];

/// See [`crate::platform`]. Files that some program only wants renamed at the next start
/// (`PendingFileRenameOperations`) do not count: most PCs always have some.
#[must_use]
pub fn restart_pending() -> Option<bool> {
    // Where not even this can be read, an absent mark would say nothing.
    Key::open(MACHINE, r"SOFTWARE\Microsoft\Windows\CurrentVersion")?;
    Some(MARKS.iter().any(|mark| Key::open(MACHINE, mark).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_system_answers() {
        assert!(restart_pending().is_some());
    }
}
