//! Memory of what ran once, given back to the system; and memory that threads share.
//!
//! The kernel maps a file's pages around each that is touched (`fault_around_bytes`, 64 KiB), so
//! after configuration, enrolment and handshakes nearly all of a program is resident, and stays
//! so while nobody is short of memory. What runs each few seconds is a fraction of it.

use std::ffi::c_void;
use std::fs;
use std::ops::Range;
use std::ptr::{self, NonNull};

use nix::sys::mman::{MmapAdvise, madvise};

/// Gives back the code of this program and its libraries. What runs again is mapped again, by a
/// page fault for each 64 KiB.
pub fn trim() {
    // Without /proc nothing is trimmed, and all works as before.
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    let mut before = None;
    for mapping in maps.lines().map(Mapping::of) {
        if let Some(code) = mapping.as_ref().filter(|mapping| mapping.rights == "r-xp") {
            release(&code.addresses);
            if let Some(constants) = constants(before.as_ref(), code) {
                release(constants);
            }
        }
        before = mapping;
    }
}

/// Makes all threads share so many heaps of the C library. glibc gives each thread its own, up to
/// eight for each processor, and in each stays what was freed between what is still held. Other C
/// libraries have one anyhow. To be called before a second thread starts.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "a call to the C library"))]
pub fn share_heaps(heaps: i32) {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: takes two numbers, and is told them before any other thread allocates. Where it
        // refuses, all works as before.
        let _ = unsafe { nix::libc::mallopt(nix::libc::M_ARENA_MAX, heaps) };
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = heaps;
}

/// A line of `proc_pid_maps(5)` that maps a file.
struct Mapping<'a> {
    addresses: Range<usize>,
    rights: &'a str,
    file: &'a str,
}

impl<'a> Mapping<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (addresses, rights) = (words.next()?, words.next()?);
        let file = words.nth(3).filter(|name| name.starts_with('/'))?;
        let (start, end) = addresses.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        (start < end).then_some(Self { addresses: start..end, rights, file })
    }
}

/// What a program only reads and its linker put before its code: names, tables for unwinding, the
/// list of its relocations. It is read from its file again just as it was, as code is; constants
/// behind the code may have been relocated, and are not.
fn constants<'a>(before: Option<&'a Mapping<'_>>, code: &Mapping<'_>) -> Option<&'a Range<usize>> {
    let before = before.filter(|it| it.rights == "r--p" && it.file == code.file)?;
    (before.addresses.end == code.addresses.start).then_some(&before.addresses)
}

#[expect(unsafe_code, reason = "the kernel is told about memory by its address")]
fn release(addresses: &Range<usize>) {
    let start = ptr::with_exposed_provenance_mut::<c_void>(addresses.start);
    let Some(start) = NonNull::new(start) else { return };
    // SAFETY: a private mapping of a file that nobody writes to and the loader did not change: the
    // next touch maps the same bytes again. A refusal leaves them mapped.
    let _ = unsafe { madvise(start, addresses.len(), MmapAdvise::MADV_DONTNEED) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0c6a00000-55d0c6b91000 r--p 00000000 fe:00 42   /usr/bin/nhipcau-agent
55d0c6b91000-55d0c7085000 r-xp 00190000 fe:00 42   /usr/bin/nhipcau-agent
55d0c7086000-55d0c70ad000 r--p 00685000 fe:00 42   /usr/bin/nhipcau-agent
55d0c8000000-55d0c80d0000 rw-p 00000000 00:00 0    [heap]
7f0000000000-7f0000002000 r-xp 00000000 00:00 0    [vdso]
7f0000003000-7f0000004000 r-xp 00000000 00:00 0
7f0000005000-7f0000005000 r-xp 00000000 fe:00 42   /usr/lib/empty.so
7f0000006000-7f0000007000 r--p 00000000 fe:00 42   /usr/lib/another.so
7f0000007000-7f0000008000 r-xp 00000000 fe:00 42   /usr/lib/libc.so.6

zz-yy r-xp 0 0 0 /x
";

    #[test]
    fn only_code_of_files_and_the_constants_before_it_are_given_back() {
        let mappings: Vec<_> = MAPS.lines().map(Mapping::of).collect();
        let codes = mappings.iter().enumerate().filter_map(|(place, mapping)| {
            let code = mapping.as_ref().filter(|mapping| mapping.rights == "r-xp")?;
            let before = mappings.get(place.checked_sub(1)?)?.as_ref();
            Some((code.addresses.start, constants(before, code).map(|range| range.start)))
        });
        let agent = (0x55d0_c6b9_1000, Some(0x55d0_c6a0_0000));
        assert_eq!(codes.collect::<Vec<_>>(), [agent, (0x7f00_0000_7000, None)]);
    }

    #[test]
    fn a_program_runs_on_after_its_code_was_given_back() {
        trim();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        assert!(maps.lines().any(|line| Mapping::of(line).is_some_and(|it| it.rights == "r-xp")));
    }
}
