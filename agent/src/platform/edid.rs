//! What a display says of itself: EDID 1.4 (VESA E-EDID Standard, release A).

/// One block.
const BLOCK: usize = 128;

const HEADER: [u8; 8] = [0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0];

/// Where the four descriptors of 18 bytes begin.
const DESCRIPTORS: usize = 54;

/// A name and its maker.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// `LG TV SSCR2`; empty where it has none.
    pub(super) name: String,
    /// Three letters of the PNP registry: `GSM`.
    pub(super) maker: String,
}

/// Who the display is; `None` for bytes that are no EDID.
pub(super) fn identity(bytes: &[u8]) -> Option<Identity> {
    let block = bytes.first_chunk::<BLOCK>()?;
    let sum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if block[..8] != HEADER || sum != 0 {
        return None;
    }
    let packed = u16::from_be_bytes([block[8], block[9]]);
    let letter = |shift: u16| {
        let number = u8::try_from((packed >> shift) & 0x1F).unwrap_or(0);
        char::from(b'@' + number)
    };
    let maker = [letter(10), letter(5), letter(0)].into_iter().filter(char::is_ascii_uppercase);
    let name = block[DESCRIPTORS..DESCRIPTORS + 72].chunks_exact(18).find_map(|descriptor| {
        // Not a timing, and a name.
        (descriptor[..3] == [0, 0, 0] && descriptor[3] == 0xFC).then(|| text(&descriptor[5..]))
    });
    Some(Identity { name: name.unwrap_or_default(), maker: maker.collect() })
}

/// Up to a line feed, filled up with blanks.
fn text(bytes: &[u8]) -> String {
    let until = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let printable = |byte: &&u8| byte.is_ascii_graphic() || **byte == b' ';
    let kept = bytes[..until].iter().filter(printable);
    kept.map(|byte| char::from(*byte)).collect::<String>().trim().to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A block with that name and maker and a right sum.
    pub(in super::super) fn edid(name: &str, maker: [u8; 3]) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..8].copy_from_slice(&HEADER);
        let packed = maker.iter().fold(0_u16, |all, letter| all << 5 | u16::from(letter - b'@'));
        block[8..10].copy_from_slice(&packed.to_be_bytes());
        block[DESCRIPTORS + 18 + 3] = 0xFC;
        let text = format!("{name}\n{:13}", "");
        block[DESCRIPTORS + 18 + 5..DESCRIPTORS + 36].copy_from_slice(&text.as_bytes()[..13]);
        let sum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        block[BLOCK - 1] = 0_u8.wrapping_sub(sum);
        block
    }

    #[test]
    fn a_display_tells_its_name_and_its_maker() {
        let found = identity(&edid("LG TV SSCR2", *b"GSM")).unwrap();
        assert_eq!((found.name.as_str(), found.maker.as_str()), ("LG TV SSCR2", "GSM"));
        let found = identity(&edid("", *b"DEL")).unwrap();
        assert_eq!((found.name.as_str(), found.maker.as_str()), ("", "DEL"));
    }

    #[test]
    fn what_is_broken_is_no_edid() {
        let good = edid("TV", *b"SAM");
        let mut wrong_sum = good.clone();
        wrong_sum[20] ^= 1;
        for bytes in [vec![], good[..127].to_vec(), wrong_sum, vec![0; BLOCK]] {
            assert_eq!(identity(&bytes), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(mut bytes in prop::collection::vec(any::<u8>(), 128..300)) {
            bytes[..8].copy_from_slice(&HEADER);
            let sum = bytes[..127].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
            bytes[127] = 0_u8.wrapping_sub(sum);
            prop_assert!(identity(&bytes).is_some());
        }
    }

    #[test]
    fn nothing_like_an_edid_is_too_strange() {
        let shapes = [edid("LG TV SSCR2", *b"GSM"), edid("", *b"DEL")];
        crate::mutations::survives(&shapes, |bytes| {
            let mut summed = bytes.to_vec();
            if let Some(block) = summed.get_mut(..BLOCK) {
                let sum = block[..BLOCK - 1].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
                block[BLOCK - 1] = 0_u8.wrapping_sub(sum);
            }
            [bytes, &summed].map(|bytes| identity(bytes).map(|found| (found.name, found.maker)))
        });
    }
}
