//! Memory of code that ran once.
//!
//! The kernel maps a file's pages around each that is touched (`fault_around_bytes`, 64 KiB), so
//! after configuration, enrolment and handshakes nearly all of a program is resident, and stays
//! so while nobody is short of memory. What runs each few seconds is a fraction of it.

use std::ffi::c_void;
use std::fs;
use std::ops::Range;
use std::ptr::{self, NonNull};

use nix::sys::mman::{MmapAdvise, madvise};

/// See [`crate::platform`].
pub fn trim_working_set() {
    // Without /proc nothing is trimmed, and all works as before.
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for code in maps.lines().filter_map(code) {
        release(&code);
    }
}

/// The addresses of a line of `proc_pid_maps(5)` that maps a file's code.
///
/// Only what is executable and cannot be written is read from its file again just as it was;
/// relocated constants are read-only too, and are not.
fn code(line: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (addresses, rights) = (words.next()?, words.next()?);
    let of_file = words.nth(3).is_some_and(|name| name.starts_with('/'));
    if rights != "r-xp" || !of_file {
        return None;
    }
    let (start, end) = addresses.split_once('-')?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    (!range.is_empty()).then_some(range)
}

#[expect(unsafe_code, reason = "the kernel is told about memory by its address")]
fn release(code: &Range<usize>) {
    let Some(start) = NonNull::new(ptr::with_exposed_provenance_mut::<c_void>(code.start)) else {
        return;
    };
    // SAFETY: a private mapping of a file that nobody writes to: the next jump into it maps the
    // same bytes again. A refusal leaves them mapped.
    let _ = unsafe { madvise(start, code.len(), MmapAdvise::MADV_DONTNEED) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_given_back() {
        let lines = [
            ("55d0c6a00000-55d0c6b90000 r--p 00000000 fe:00 42   /usr/bin/nhipcau-agent", None),
            (
                "55d0c6b91000-55d0c7085000 r-xp 00190000 fe:00 42   /usr/bin/nhipcau-agent",
                Some(0x55d0_c6b9_1000..0x55d0_c708_5000),
            ),
            ("55d0c7086000-55d0c70ad000 r--p 00685000 fe:00 42   /usr/bin/nhipcau-agent", None),
            ("55d0c8000000-55d0c80d0000 rw-p 00000000 00:00 0    [heap]", None),
            ("7f0000000000-7f0000002000 r-xp 00000000 00:00 0    [vdso]", None),
            ("7f0000003000-7f0000004000 r-xp 00000000 00:00 0", None),
            ("7f0000005000-7f0000005000 r-xp 00000000 fe:00 42   /usr/lib/libc.so.6", None),
            ("", None),
            ("zz-yy r-xp 0 0 0 /x", None),
        ];
        for (line, range) in lines {
            assert_eq!(code(line), range, "{line}");
        }
    }

    #[test]
    fn a_program_runs_on_after_its_code_was_given_back() {
        trim_working_set();
        assert!(fs::read_to_string("/proc/self/maps").unwrap().lines().any(|l| code(l).is_some()));
    }
}
