//! Files that only the agent's user may read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Makes a directory for a configuration and those above it, as a person would.
pub fn config_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a directory and those above it, mode 0700; one that exists stays as it is.
pub fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file to read and write, making it if need be, mode 0600. It belongs to the owner of its
/// directory: what root writes at enrolment is for the service's user to read.
pub fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path)?;
    let found = file.metadata()?;
    if found.mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    if let Some(directory) = path.parent() {
        let owner = fs::metadata(directory)?;
        if (owner.uid(), owner.gid()) != (found.uid(), found.gid()) && found.uid() == 0 {
            fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(file)
}

/// Makes a private file one that its user may start.
pub fn make_program(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// Puts the file `new` in the place of `old`, and returns when it is there for good: a directory
/// too is written only when it is asked for.
pub fn replace(new: &Path, old: &Path) -> io::Result<()> {
    fs::rename(new, old)?;
    File::open(old.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether everybody on this PC may read or change a file. A group may: a service's user often
/// reads what root wrote through one.
pub fn is_open_to_all(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.mode() & 0o006 != 0)
}
