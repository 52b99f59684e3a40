//! Windows' texts: UTF-16 that ends at a zero.

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt;

/// A text as Windows wants it, its end included.
pub(in crate::platform) fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// The text up to its end, or up to the end of its buffer. Names from devices need not be UTF-16.
pub(in crate::platform) fn narrow(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(units.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_and_ends_at_its_zero() {
        let units = wide("Điểm cầu");
        assert_eq!(units.last(), Some(&0));
        assert_eq!(narrow(&units), "Điểm cầu");
        assert_eq!(narrow(&[0x41, 0, 0x42]), "A");
        assert_eq!(narrow(&[0x41, 0xD800]), "A\u{fffd}");
        assert_eq!(narrow(&[]), "");
    }
}
