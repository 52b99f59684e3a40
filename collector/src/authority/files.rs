//! Keys on disk: whole or not at all, and for nobody else's eyes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::AuthorityError;

/// Held while an authority is read or made, so that two processes that start at once do not make
/// two. The system lets go of it with the process.
pub(super) fn lock(state_dir: &Path) -> Result<File, AuthorityError> {
    let path = state_dir.join("authority.lock");
    let open = || {
        let file = private().create(true).truncate(false).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    open().map_err(|source| AuthorityError::File { path: path.clone(), source })
}

/// The file's text; `None` where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AuthorityError::File { path: path.to_owned(), source }),
    }
}

/// Replaces the file. After a power cut it has the old content or the new.
pub(super) fn write(path: &Path, text: &str) -> Result<(), AuthorityError> {
    let replace = || -> io::Result<()> {
        let new = path.with_extension("new");
        // One left behind by a power cut may have another mode.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private().create_new(true).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        // The name is durable only with its directory.
        #[cfg(unix)]
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    };
    replace().map_err(|source| AuthorityError::File { path: path.to_owned(), source })
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
