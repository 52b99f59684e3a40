//! Parts of programs for agents: read where they lie, and no faster than the collector's line may
//! be used for it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;
use wire::update::PART_BYTES;

/// An agent waits a minute for a part. Whoever would have to wait longer than this is told to come
/// again.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// When the line is free again. Pure.
#[derive(Debug)]
pub(super) struct Pacer {
    bytes_a_second: f64,
    free_at: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(megabits: u32) -> Self {
        Self { bytes_a_second: f64::from(megabits) * 1e6 / 8.0, free_at: None }
    }

    /// When so many bytes may be sent; none where that is too far off.
    pub(super) fn book(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        let at = self.free_at.filter(|at| *at > now).unwrap_or(now);
        if at - now > LONGEST_WAIT {
            return None;
        }
        self.free_at = Some(at + Duration::from_secs_f64(bytes as f64 / self.bytes_a_second));
        Some(at)
    }
}

/// The one range of a `Range` (RFC 9110 section 14.1.2), as agents ask: both ends, and no more
/// than a part.
pub(super) fn range(header: &str) -> Option<Range<u64>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    Some(first..first.checked_add(length.min(PART_BYTES))?)
}

/// What a file has of a range; none where it ends before it.
pub(super) fn read(path: &Path, range: &Range<u64>) -> io::Result<Option<(Vec<u8>, u64)>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let length = size.min(range.end).saturating_sub(range.start);
    if length == 0 {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(Some((bytes, size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_both_ends_and_is_no_more_than_a_part() {
        for (header, expected) in [
            ("bytes=0-9", Some(0..10)),
            ("bytes=10-10", Some(10..11)),
            ("bytes=0-18446744073709551615", None),
            ("bytes=5-9999999999", Some(5..5 + PART_BYTES)),
            ("bytes=18446744073709551615-18446744073709551615", None),
            ("bytes=9-5", None),
            ("bytes=-5", None),
            ("bytes=5-", None),
            ("bytes=0-1,5-6", None),
            ("lines=0-1", None),
            ("", None),
        ] {
            assert_eq!(range(header), expected, "{header}");
        }
    }

    #[test]
    fn the_line_is_given_to_one_after_the_other() {
        let mut pacer = Pacer::new(8);
        let now = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(pacer.book(1_000_000, now), Some(now));
        assert_eq!(pacer.book(1_000_000, now), Some(now + second));
        assert_eq!(pacer.book(30_000_000, now), Some(now + 2 * second));
        assert_eq!(pacer.book(1, now), None, "in half a minute");
        let later = now + 60 * second;
        assert_eq!(pacer.book(1, later), Some(later), "what was not used is not kept");
    }

    #[test]
    fn a_part_ends_where_the_file_does() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        std::fs::write(&path, "0123456789").unwrap();
        let read = |range| read(&path, &range).unwrap().map(|(bytes, _)| bytes);
        assert_eq!(read(2..4).as_deref(), Some(&b"23"[..]));
        assert_eq!(read(8..40).as_deref(), Some(&b"89"[..]));
        assert_eq!(read(10..11), None);
    }
}
