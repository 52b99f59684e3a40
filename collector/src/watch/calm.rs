//! Tells when what is being written has come to rest.

use std::time::SystemTime;

/// Looks until the content is read although nothing seems new: one minute. FAT and some shares
/// keep the time of a change to two seconds only, or hand out an old one for a while.
const LOOKS_TO_READ: u32 = 30;

/// What the file system says of a file's content; none where there is no file.
pub(super) type Stamp = Option<(u64, Option<SystemTime>)>;

/// The stamp of the file in `path`.
pub(super) fn stamp(path: &std::path::Path) -> Stamp {
    let stamp = std::fs::metadata(path);
    stamp.ok().map(|data| (data.len(), data.modified().ok()))
}

/// Remembers one stamp, of a file or of many.
#[derive(Debug)]
pub(super) struct Calm<S> {
    last: Option<S>,
    stirred: bool,
    looks: u32,
}

impl<S> Default for Calm<S> {
    fn default() -> Self {
        Self { last: None, stirred: false, looks: 0 }
    }
}

impl<S: PartialEq> Calm<S> {
    /// Whether the content should be read: once what changed has stayed the same for a whole
    /// interval, and from time to time.
    pub(super) fn read_now(&mut self, stamp: S) -> bool {
        self.looks += 1;
        if self.last.as_ref() != Some(&stamp) {
            self.last = Some(stamp);
            self.stirred = true;
            return false;
        }
        let read = self.stirred || self.looks >= LOOKS_TO_READ;
        if read {
            (self.stirred, self.looks) = (false, 0);
        }
        read
    }

    /// Whether a change is still to be read.
    #[cfg(test)]
    pub(super) fn is_stirred(&self) -> bool {
        self.stirred
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_when_it_has_come_to_rest() {
        let at = |length: u64| Some((length, None));
        let mut calm: Calm<Stamp> = Calm::default();
        let looks = [(at(1), false), (at(1), true), (at(1), false), (at(2), false), (at(3), false)];
        for (stamp, read) in looks.into_iter().chain([(at(3), true), (None, false), (None, true)]) {
            assert_eq!(calm.read_now(stamp), read, "{stamp:?}");
        }
        let reads = (0..LOOKS_TO_READ).filter(|_| calm.read_now(None)).count();
        assert_eq!(reads, 1, "from time to time without a sign");
    }
}
