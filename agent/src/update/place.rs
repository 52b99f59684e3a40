//! Where updates lie: one folder each below the state directory, named by its manifest's id.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wire::update::{self, MANIFEST_BYTES, Manifest, PublicKey};

use crate::platform;
use crate::version;

const FOLDER: &str = "updates";
const MANIFEST: &str = "manifest";
const PART: &str = "part";

/// Characters of an id.
const ID: usize = 16;

/// Read at once of a program: some pages, so that an old disk reads in one go.
const BLOCK: usize = 64 * 1024;

/// The folder of all updates.
#[derive(Debug, Clone)]
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn of(state_dir: &Path) -> Self {
        Self(state_dir.join(FOLDER))
    }

    /// The program of an update.
    pub(super) fn program(&self, id: &str) -> PathBuf {
        self.0.join(id).join(format!("nhipcau-agent{}", std::env::consts::EXE_SUFFIX))
    }

    /// As much of it as has come.
    pub(super) fn part(&self, id: &str) -> PathBuf {
        self.0.join(id).join(PART)
    }

    /// Makes the folder of an update, with its manifest in it. What came of others before it is
    /// wanted no more.
    pub(super) fn begin(&self, id: &str, manifest: &str) -> io::Result<()> {
        self.throw_away(|folder| folder != self.0.join(id) && folder.join(PART).exists());
        platform::private_directory(&self.0.join(id))?;
        let mut file = platform::private_file(&self.0.join(id).join(MANIFEST))?;
        file.set_len(0)?;
        file.write_all(manifest.as_bytes())?;
        file.sync_all()
    }

    /// Looks whether all of a program has come as it was signed, and makes it one that can be
    /// started. What has come otherwise is thrown away.
    pub(super) fn complete(&self, id: &str, manifest: &Manifest) -> io::Result<Result<(), String>> {
        let part = self.part(id);
        if let Err(fault) = compare(&part, manifest)? {
            fs::remove_file(&part)?;
            return Ok(Err(fault));
        }
        // Windows writes a file out only for whoever may write it.
        platform::private_file(&part)?.sync_all()?;
        platform::make_program(&part)?;
        platform::replace(&part, &self.program(id))?;
        Ok(Ok(()))
    }

    /// An update as it is to be started: signed by one of `keys`, for this platform, and with the
    /// program that was signed. The error says why not.
    pub(super) fn verified(
        &self,
        id: &str,
        keys: &[PublicKey],
    ) -> Result<(Manifest, PathBuf), String> {
        let said = |error: io::Error| format!("its files cannot be read: {error}");
        let mut text = String::new();
        let file = File::open(self.0.join(id).join(MANIFEST)).map_err(said)?;
        file.take(MANIFEST_BYTES as u64 + 1).read_to_string(&mut text).map_err(said)?;
        if *update::id(&text) != *id {
            return Err("its manifest is another one".to_owned());
        }
        let manifest = update::open(&text, keys).map_err(|fault| fault.to_string())?;
        if *manifest.platform != *version::platform() {
            return Err(format!("it is for {}, not for this PC", manifest.platform));
        }
        let program = self.program(id);
        compare(&program, &manifest).map_err(said)??;
        Ok((manifest, program))
    }

    /// Throws away what is none of these. What is still coming stays: on a thin line it may take
    /// several evenings.
    pub(super) fn clean<'a>(&self, needed: impl Iterator<Item = &'a str>) {
        let needed: Vec<PathBuf> = needed.map(|id| self.0.join(id)).collect();
        self.throw_away(|folder| {
            !needed.iter().any(|needed| needed == folder) && !folder.join(PART).exists()
        });
    }

    fn throw_away(&self, is_old: impl Fn(&Path) -> bool) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let folder = entry.path();
            if is_old(&folder)
                && let Err(error) = fs::remove_dir_all(&folder)
            {
                tracing::debug!(%error, ?folder, "an old update could not be thrown away");
            }
        }
    }
}

/// Whether it can be an id: it becomes the name of a folder.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a file is the program of a manifest, byte for byte.
fn compare(path: &Path, manifest: &Manifest) -> io::Result<Result<(), String>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size != manifest.size {
        return Ok(Err(format!("it has {size} bytes where {} were signed", manifest.size)));
    }
    let mut digest = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        digest.update(&block[..read]);
    }
    let same = <[u8; 32]>::from(digest.finalize()) == manifest.sha256;
    Ok(if same { Ok(()) } else { Err("it is not the program that was signed".to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &[u8] = b"a program";

    fn manifest() -> Manifest {
        Manifest {
            version: "9.0.0".parse().unwrap(),
            platform: version::platform().into(),
            size: PROGRAM.len() as u64,
            sha256: Sha256::digest(PROGRAM).into(),
            signed_at: 1,
            downgrade: false,
        }
    }

    #[test]
    fn only_all_of_what_was_signed_becomes_a_program() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::of(directory.path());
        place.begin("0123456789abcdef", "text").unwrap();
        let complete = |bytes: &[u8]| {
            fs::write(place.part("0123456789abcdef"), bytes).unwrap();
            place.complete("0123456789abcdef", &manifest()).unwrap()
        };
        assert_eq!(complete(b"a prog"), Err("it has 6 bytes where 9 were signed".to_owned()));
        assert_eq!(complete(b"A program"), Err("it is not the program that was signed".to_owned()));
        assert!(!place.part("0123456789abcdef").exists(), "and goes");
        assert_eq!(complete(PROGRAM), Ok(()));
        assert!(place.program("0123456789abcdef").exists());
        place.clean(["0123456789abcdef"].into_iter());
        assert!(place.program("0123456789abcdef").exists());
        place.clean(std::iter::empty());
        assert!(!place.program("0123456789abcdef").exists());
    }

    #[test]
    fn what_is_still_coming_stays_until_another_is_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::of(directory.path());
        place.begin("0123456789abcdef", "text").unwrap();
        fs::write(place.part("0123456789abcdef"), "a pro").unwrap();
        place.clean(std::iter::empty());
        place.begin("0123456789abcdef", "text").unwrap();
        assert!(place.part("0123456789abcdef").exists());
        place.begin("fedcba9876543210", "text").unwrap();
        assert!(!place.part("0123456789abcdef").exists());
    }

    #[test]
    fn what_has_no_manifest_of_a_believed_key_is_not_started() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::of(directory.path());
        let told = place.verified("0123456789abcdef", &[]).unwrap_err();
        assert!(told.contains("cannot be read"), "{told}");
        let text = manifest().text();
        let id = update::id(&text);
        place.begin(&id, &text).unwrap();
        let told = place.verified(&id, &[]).unwrap_err();
        assert!(told.contains("no manifest"), "{told}");
        place.begin(&id, "another").unwrap();
        let told = place.verified(&id, &[]).unwrap_err();
        assert!(told.contains("another one"), "{told}");
    }

    #[test]
    fn an_id_is_no_path() {
        for (text, good) in [("0123456789abcdef", true), ("0123456789abcde/", false), ("..", false)]
        {
            assert_eq!(is_id(text), good);
        }
    }
}
