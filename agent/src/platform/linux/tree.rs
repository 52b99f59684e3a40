//! A file tree for tests, in the place of `/`.

use std::fs;
use std::path::Path;

pub(super) struct Tree(tempfile::TempDir);

impl Default for Tree {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Tree {
    pub(super) fn root(&self) -> &Path {
        self.0.path()
    }

    /// A file as the kernel writes them: with a line feed at its end.
    pub(super) fn file(&self, path: &str, text: &str) {
        self.bytes(path, format!("{text}\n").as_bytes());
    }

    pub(super) fn bytes(&self, path: &str, bytes: &[u8]) {
        let file = self.root().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    pub(super) fn link(&self, path: &str, to: &str) {
        let link = self.root().join(path);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, link).unwrap();
    }

    /// Takes away a file, a link or a directory.
    pub(super) fn remove(&self, path: &str) {
        let path = self.root().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}
