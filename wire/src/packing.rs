//! The dictionary that reports are packed with.
//!
//! A report is some ten kilobytes of names that both sides know; alone in its request it packs
//! badly. With a dictionary of such reports the body is less than half, which is what keeps a
//! site on a metered line within its megabytes. The encoding stays `zstd` (RFC 8878): a frame
//! says by its dictionary's id whether it needs one, and frames without any are read as ever.
//!
//! A dictionary, once shipped, never changes. A better one becomes a second file with an id of
//! its own, and agents use it no sooner than their collectors know it. `tests/dictionary/` holds
//! how this one was made.

/// Trained on a thousand reports of varied sites; id 32769, the first of RFC 8878's private ones.
pub const DICTIONARY: &[u8] = include_bytes!("packing/reports-1.dict");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_the_one_that_was_shipped() {
        // Magic number and id (RFC 8878, section 5), and the whole by its hash.
        assert_eq!(DICTIONARY[..8], [0x37, 0xa4, 0x30, 0xec, 0x01, 0x80, 0x00, 0x00]);
        assert_eq!(
            crate::enrolment::sha256_hex(DICTIONARY),
            "355e4a0233a3514e312564858d1a4b8a23a3785809485b7c4f0726eed34ca427"
        );
    }
}
