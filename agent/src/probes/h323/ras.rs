//! One question of RAS and its answers (ITU-T H.225.0 § 7, in aligned PER of ITU-T X.691).
//!
//! `GatekeeperRequest` asks "would you be my gatekeeper?". Yes and no both prove that it lives; it
//! registers nothing and no codec rings.

use std::net::{IpAddr, SocketAddr};

/// Who asks, in the gatekeeper's log: an alias of the kind h323-ID.
const ALIAS: &str = "nhipcau";

/// H.225.0 version 4, which everything since 2000 speaks: 0.0.8.2250.0.4, with its length.
const PROTOCOL: [u8; 7] = [0x06, 0x00, 0x08, 0x91, 0x4A, 0x00, 0x04];

/// What a gatekeeper answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It would be; with its name, where it has one.
    Confirm(Option<String>),
    /// It would not; with its reason, where it can be read.
    Reject(Option<&'static str>),
}

/// A `GatekeeperRequest` from `local`. `sequence` tells its answer from others and is not 0.
pub(super) fn request(sequence: u16, local: SocketAddr) -> Vec<u8> {
    // GatekeeperRequest is the first choice; of its optional parts there is the alias.
    let mut message = vec![0x00, 0x20];
    // 1..=65535 travels as 0..=65534.
    message.extend(sequence.saturating_sub(1).to_be_bytes());
    message.extend(PROTOCOL);
    match local.ip() {
        IpAddr::V4(address) => {
            message.push(0x00);
            message.extend(address.octets());
        }
        IpAddr::V6(address) => {
            message.push(0x30);
            message.extend(address.octets());
        }
    }
    message.extend(local.port().to_be_bytes());
    // A terminal that is not an MC, as every codec is.
    message.extend([0x02, 0x00]);
    // One alias of the kind h323-ID, its length less one, its characters of two bytes.
    message.extend([0x01, 0x40, u8::try_from(ALIAS.len() - 1).unwrap_or(0)]);
    message.extend(ALIAS.encode_utf16().flat_map(u16::to_be_bytes));
    message
}

/// What a datagram says, if it answers the request with that sequence.
pub(super) fn answer(datagram: &[u8], sequence: u16) -> Option<Answer> {
    let [first, second, high, low, rest @ ..] = datagram else { return None };
    if u16::from_be_bytes([*high, *low]) != sequence.saturating_sub(1) {
        return None;
    }
    // One bit of extension and five of choice; then one of extension and the optional parts:
    // first what no standard knows, then the gatekeeper's name.
    let (extended, own, named) = (first & 0x80 != 0, first & 1 != 0, second & 0x80 != 0);
    let after_protocol = || rest.get(1 + usize::from(*rest.first()?)..);
    match (first >> 2) & 0x1F {
        _ if extended => None,
        1 => Some(Answer::Confirm(after_protocol().filter(|_| named && !own).and_then(name))),
        2 => Some(Answer::Reject(after_protocol().filter(|_| !named && !own).and_then(reason))),
        _ => None,
    }
}

/// A `BMPString` of 1 to 128 characters: its length less one in seven bits, then the characters.
fn name(bytes: &[u8]) -> Option<String> {
    let (length, characters) = bytes.split_first()?;
    let characters = characters.get(..2 * (usize::from(length >> 1) + 1))?;
    let units = characters.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let name = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(name.filter(|c| !c.is_control()).collect())
}

/// H.225.0's `GatekeeperRejectReason`: a bit of extension, two of choice.
fn reason(bytes: &[u8]) -> Option<&'static str> {
    match bytes.first()? >> 5 {
        0 => Some("resourceUnavailable"),
        1 => Some("terminalExcluded"),
        2 => Some("invalidRevision"),
        3 => Some("undefinedReason"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// "GK-TINH" at 10.20.30.1:1719, as tshark reads it.
    const CONFIRM: &[u8] = &[
        0x04, 0x80, 0x00, 0x06, 0x06, 0x00, 0x08, 0x91, 0x4A, 0x00, 0x04, 0x0C, 0x00, b'G', 0x00,
        b'K', 0x00, b'-', 0x00, b'T', 0x00, b'I', 0x00, b'N', 0x00, b'H', 0x00, 10, 20, 30, 1,
        0x06, 0xB7,
    ];

    fn reject(reason: u8) -> Vec<u8> {
        [&[0x08, 0x00, 0x00, 0x06], PROTOCOL.as_slice(), &[reason << 5]].concat()
    }

    #[test]
    fn the_request_is_what_tshark_reads_as_one() {
        let message = request(7, "10.20.30.40:40001".parse().unwrap());
        let expected = [
            0x00, 0x20, 0x00, 0x06, 0x06, 0x00, 0x08, 0x91, 0x4A, 0x00, 0x04, 0x00, 10, 20, 30, 40,
            0x9C, 0x41, 0x02, 0x00, 0x01, 0x40, 0x06,
        ];
        assert_eq!(message[..expected.len()], expected);
        assert_eq!(message.len(), expected.len() + 2 * ALIAS.len());
    }

    #[test]
    fn yes_and_no_are_answers() {
        assert_eq!(answer(CONFIRM, 7), Some(Answer::Confirm(Some("GK-TINH".to_owned()))));
        assert_eq!(answer(&CONFIRM[..4], 7), Some(Answer::Confirm(None)));
        for (code, expected) in [
            (0, Some("resourceUnavailable")),
            (1, Some("terminalExcluded")),
            (3, Some("undefinedReason")),
            (5, None),
        ] {
            assert_eq!(answer(&reject(code), 7), Some(Answer::Reject(expected)));
        }
    }

    #[test]
    fn what_is_no_answer_to_this_request_is_none() {
        let with_first = |byte: u8| [&[byte], &CONFIRM[1..]].concat();
        for (datagram, why) in [
            (vec![], "nothing"),
            (vec![4, 0x80, 0], "cut"),
            (with_first(0x00), "a request"),
            (with_first(0x0C), "an answer to a registration"),
            (with_first(0x84), "a kind of message of another time"),
        ] {
            assert_eq!(answer(&datagram, 7), None, "{why}");
        }
        assert_eq!(answer(CONFIRM, 8), None, "another sequence");
    }

    #[test]
    fn a_name_that_lies_about_its_length_is_left_out() {
        let mut lying = CONFIRM.to_vec();
        lying[11] = 0xFE;
        assert_eq!(answer(&lying, 7), Some(Answer::Confirm(None)));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..100), sequence: u16) {
            let _ = answer(&bytes, sequence);
            let framed = [&[0x04, 0x80], sequence.saturating_sub(1).to_be_bytes().as_slice(), &bytes].concat();
            prop_assert!(answer(&framed, sequence).is_some());
        }
    }

    #[test]
    fn nothing_like_an_answer_is_too_strange() {
        let shapes = [CONFIRM.to_vec(), reject(0), reject(3)];
        crate::mutations::survives(&shapes, |bytes| answer(bytes, 7));
    }
}
