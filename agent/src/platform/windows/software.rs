//! Programs: whether one is installed, could start, and runs.
//!
//! Conference clients are installed for the whole PC or for one user alone; of the latter only the
//! settings of users who are signed in can be read.

use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::{CloseHandle, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Registry::HKEY_USERS;

use super::registry::{Key, MACHINE};
use super::size;
use super::text::narrow;
use crate::platform::Software;

/// Where programs write down how to start them by their name alone.
const STARTERS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths";

/// Where they write down what to show below "installed apps"; the second of programs of 32 bits.
const INSTALLED: &[&str] = &[
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
];

/// Far more than a PC runs; what goes on for ever must not.
const PROCESSES: usize = 65_536;

/// See [`crate::platform`]. The package is a part of what "installed apps" calls it.
#[must_use]
pub fn software(program: &str, package: &str) -> Software {
    let file = find(program);
    let broken = file.as_ref().filter(|file| !file.is_file());
    let entry = entry(package);
    let version = entry.as_ref().and_then(|entry| entry.text("DisplayVersion"));
    let running = running(program);
    Software {
        installed: file.is_some() || entry.is_some() || running,
        broken: broken.map(|file| format!("{} leads nowhere", file.display())),
        version,
        running,
    }
}

/// `zoom` is `zoom.exe` in a list of processes.
fn executable(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let has_ending = Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("exe"));
    if has_ending { name.to_owned() } else { format!("{name}.exe") }
}

/// Where a program lies: as it was named, or as it has written down itself.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains(['/', '\\']) {
        return Some(PathBuf::from(program)).filter(|file| file.exists());
    }
    let path = format!(r"{STARTERS}\{}", executable(program));
    let file = roots(&path).find_map(|key| key.text(""))?;
    Some(PathBuf::from(file.trim_matches('"')))
}

/// The key of that path: the PC's, then those of users who are signed in.
fn roots(path: &str) -> impl Iterator<Item = Key> {
    let users = Key::open(HKEY_USERS, "");
    let names = users.as_ref().map(Key::names).unwrap_or_default();
    let of_user = names.into_iter().map(move |user| format!(r"{user}\{path}"));
    let of_users: Vec<Key> = of_user.filter_map(|path| Key::open(HKEY_USERS, &path)).collect();
    Key::open(MACHINE, path).into_iter().chain(of_users)
}

/// What is written down of a program with a name like that.
fn entry(package: &str) -> Option<Key> {
    let wanted = package.to_lowercase();
    let mut entries = INSTALLED.iter().flat_map(|path| roots(path)).flat_map(|list| {
        list.names().into_iter().filter_map(move |name| list.below(&name)).collect::<Vec<_>>()
    });
    entries.find(|entry| entry.text("DisplayName").is_some_and(|name| is_called(&name, &wanted)))
}

fn is_called(name: &str, wanted: &str) -> bool {
    !wanted.is_empty() && name.to_lowercase().contains(wanted)
}

fn running(program: &str) -> bool {
    let wanted = executable(program).to_lowercase();
    processes().iter().any(|name| name.to_lowercase() == wanted)
}

/// The names of all that runs; none where Windows does not tell.
pub(super) fn processes() -> Vec<String> {
    of_each(|process| narrow(&process.szExeFile))
}

/// Which process has started one that runs.
pub(super) fn parent_of(process: u32) -> Option<u32> {
    let ids = of_each(|process| (process.th32ProcessID, process.th32ParentProcessID));
    ids.into_iter().find(|(id, _)| *id == process).map(|(_, parent)| parent)
}

/// Something of all that runs.
#[expect(unsafe_code, reason = "a list of Windows")]
fn of_each<T>(take: impl Fn(&PROCESSENTRY32W) -> T) -> Vec<T> {
    // SAFETY: it takes numbers; the handle is closed below.
    let list = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if list == INVALID_HANDLE_VALUE {
        return Vec::new();
    }
    let mut process =
        PROCESSENTRY32W { dwSize: size::<PROCESSENTRY32W>(), ..PROCESSENTRY32W::default() };
    let mut all = Vec::new();
    // SAFETY: the handle is open, and the structure of the size that it names.
    let mut found = unsafe { Process32FirstW(list, &raw mut process) };
    while found != 0 && all.len() < PROCESSES {
        all.push(take(&process));
        // SAFETY: as above.
        found = unsafe { Process32NextW(list, &raw mut process) };
    }
    // SAFETY: opened above, closed once.
    unsafe { CloseHandle(list) };
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_by_the_name_of_its_file() {
        for (program, file) in [
            ("zoom", "zoom.exe"),
            ("Zoom.EXE", "Zoom.EXE"),
            (r"C:\Program Files\TrueConf\TrueConf", "TrueConf.exe"),
            ("vnpt.meeting", "vnpt.meeting.exe"),
        ] {
            assert_eq!(executable(program), file, "{program}");
        }
    }

    #[test]
    fn a_package_is_found_by_a_part_of_its_name() {
        assert!(is_called("Zoom Workplace (64-bit)", "zoom"));
        assert!(!is_called("Zoom Workplace", ""));
        assert!(!is_called("Cisco Webex", "zoom"));
    }

    #[test]
    fn this_program_runs_and_one_that_nobody_has_does_not() {
        let own = std::env::current_exe().unwrap();
        let found = software(own.to_str().unwrap(), "");
        assert_eq!((found.installed, found.running, &found.broken), (true, true, &None), "{own:?}");
        assert_eq!(software("no-such-program", "no such package"), Software::default());
        assert!(parent_of(std::process::id()).is_some_and(|parent| parent != std::process::id()));
        assert_eq!(parent_of(u32::MAX), None);
    }
}
