//! Programs and packages: whether one is installed, could start, and runs.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::read_at;
use crate::platform::Software;

/// Where programs lie that people start, as the shells of Debian look for them, and those of
/// Flatpak and Snap. The agent's own search path is a service's and shorter.
const FOLDERS: &[&str] =
    &["usr/local/bin", "usr/bin", "bin", "usr/games", "var/lib/flatpak/exports/bin", "snap/bin"];

/// The kernel keeps so many characters of a program's name (`TASK_COMM_LEN`, less its end).
const COMM_CHARS: usize = 15;

/// The longest first line of a script that the kernel reads (`BINPRM_BUF_SIZE`).
const HEAD_BYTES: u64 = 256;

/// A field of a package's description is short; a line without end is none.
const LINE_BYTES: usize = 64 * 1024;

/// What is known of `program`, a name or a path, and of the package it comes in.
pub(super) fn software(root: &Path, program: &str, package: &str) -> Software {
    let file = find(root, program);
    let broken = file.as_ref().and_then(|file| why_broken(root, file));
    let package = installed(root, package);
    let (version, half) = package.map_or((None, false), |p| (Some(p.version), !p.complete));
    let half = half.then(|| "its package is only half installed".to_owned());
    Software {
        installed: file.is_some(),
        broken: broken.or(half),
        version,
        running: running(root, program),
    }
}

/// `root` and a path as programs name it.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn find(root: &Path, program: &str) -> Option<PathBuf> {
    // Also a link that leads nowhere: it is installed, and broken.
    let there = |file: &PathBuf| fs::symlink_metadata(file).is_ok();
    if program.starts_with('/') {
        return Some(below(root, Path::new(program))).filter(there);
    }
    FOLDERS.iter().map(|folder| root.join(folder).join(program)).find(there)
}

fn why_broken(root: &Path, file: &Path) -> Option<String> {
    let shown = file.display();
    let Ok(about) = fs::metadata(file) else {
        return Some(format!("{shown} leads nowhere"));
    };
    if !about.is_file() || about.permissions().mode() & 0o111 == 0 {
        return Some(format!("{shown} is no program that may be started"));
    }
    let mut head = Vec::new();
    // What may be started and not read is for the system to start.
    File::open(file).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    if head.starts_with(b"\x7fELF") {
        return None;
    }
    let Some(line) = head.strip_prefix(b"#!") else {
        return Some(format!("{shown} is no program"));
    };
    let line = String::from_utf8_lossy(line);
    let interpreter = line.split_whitespace().next().unwrap_or_default();
    let there = below(root, Path::new(interpreter)).exists();
    (!there).then(|| format!("{shown} needs {interpreter}, which is not there"))
}

fn running(root: &Path, program: &str) -> bool {
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program);
    let comm: String = name.chars().take(COMM_CHARS).collect();
    let Ok(entries) = fs::read_dir(root.join("proc")) else { return false };
    entries.flatten().any(|entry| {
        let is = |exe: PathBuf| exe.file_name().is_some_and(|exe| exe == name);
        let starts_with_digit =
            entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
        starts_with_digit
            && (read_at(&entry.path().join("comm")).is_ok_and(|own| own == comm)
                || fs::read_link(entry.path().join("exe")).is_ok_and(is))
    })
}

struct Package {
    version: String,
    complete: bool,
}

/// From dpkg's own list (deb-control(5)), line by line: it has several megabytes.
fn installed(root: &Path, package: &str) -> Option<Package> {
    let mut lines = BufReader::new(File::open(root.join("var/lib/dpkg/status")).ok()?);
    let (mut ours, mut complete) = (false, false);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut lines).take(LINE_BYTES as u64).read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&line);
        let Some((field, value)) = text.split_once(": ") else { continue };
        let value = value.trim();
        match field {
            "Package" => ours = value == package,
            "Status" if ours && value.starts_with("deinstall") => ours = false,
            "Status" if ours => complete = value.ends_with(" installed"),
            "Version" if ours => return Some(Package { version: value.to_owned(), complete }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    fn program(tree: &Tree, path: &str, bytes: &[u8], mode: u32) {
        tree.bytes(path, bytes);
        fs::set_permissions(tree.root().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A PC with Zoom, as its Debian package installs it, and a few broken programs.
    fn pc() -> Tree {
        let tree = Tree::default();
        program(&tree, "opt/zoom/ZoomLauncher", b"\x7fELF\x02", 0o755);
        tree.link("usr/bin/zoom", tree.root().join("opt/zoom/ZoomLauncher").to_str().unwrap());
        tree.link("usr/bin/gone", "/opt/gone");
        program(&tree, "usr/bin/script", b"#!/bin/sh\n", 0o755);
        program(&tree, "usr/bin/orphan", b"#!/usr/bin/python2 -s\n", 0o755);
        program(&tree, "bin/sh", b"\x7fELF", 0o755);
        program(&tree, "usr/bin/text", b"hello", 0o755);
        program(&tree, "usr/bin/locked", b"\x7fELF", 0o644);
        tree.file(
            "var/lib/dpkg/status",
            "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.2\n\n\
             Package: zoom\nStatus: install ok installed\nDescription: x\n  Version: 9\nVersion: 5.17.11.3835\n\n\
             Package: half\nStatus: install ok half-configured\nVersion: 1\n\n\
             Package: old\nStatus: deinstall ok config-files\nVersion: 1",
        );
        tree
    }

    #[test]
    fn a_program_is_found_and_what_is_broken_says_why() {
        let tree = pc();
        for (name, installed, broken) in [
            ("zoom", true, None),
            ("/opt/zoom/ZoomLauncher", true, None),
            ("script", true, None),
            ("nothing", false, None),
            ("/nothing", false, None),
            ("gone", true, Some("leads nowhere")),
            ("orphan", true, Some("needs /usr/bin/python2, which is not there")),
            ("text", true, Some("is no program")),
            ("locked", true, Some("is no program that may be started")),
        ] {
            let found = software(tree.root(), name, "");
            assert_eq!(found.installed, installed, "{name}");
            let ends = |why: &str| broken.is_some_and(|broken| why.ends_with(broken));
            assert!(found.broken.as_deref().map_or(broken.is_none(), ends), "{name}: {found:?}");
        }
    }

    #[test]
    fn the_version_is_the_packages() {
        let tree = pc();
        for (package, version, broken) in [
            ("zoom", Some("5.17.11.3835"), false),
            ("zlib1g", Some("1:1.2"), false),
            ("half", Some("1"), true),
            ("old", None, false),
            ("nothing", None, false),
        ] {
            let found = software(tree.root(), "zoom", package);
            assert_eq!(
                (found.version.as_deref(), found.broken.is_some()),
                (version, broken),
                "{package}"
            );
        }
    }

    #[test]
    fn a_running_program_is_seen_by_its_name_or_its_file() {
        let tree = pc();
        assert!(!software(tree.root(), "zoom", "").running);
        tree.file("proc/7/comm", "zoom");
        assert!(software(tree.root(), "zoom", "").running);
        tree.file("proc/8/comm", "vnpt-meeting-cl");
        assert!(software(tree.root(), "vnpt-meeting-client", "").running);
        tree.link("proc/9/exe", "/opt/trueconf/TrueConf");
        assert!(software(tree.root(), "TrueConf", "").running);
        tree.file("proc/sys/comm", "script");
        assert!(!software(tree.root(), "script", "").running);
    }
}
