//! Messages of STUN (RFC 8489 § 5) and the parts of TURN (RFC 8656) that need no account.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::path::Reader;

/// Every message carries it (RFC 8489 § 5), which tells it from RTP on the same port.
const COOKIE: u32 = 0x2112_A442;

/// Type, length, cookie, transaction.
const HEADER: usize = 20;

/// Identifies one exchange.
pub(in super::super) type Transaction = [u8; 12];

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Method {
    /// Where does this datagram come from?
    Binding = 0x001,
    /// May I have a relay? (RFC 8656 § 7)
    Allocate = 0x003,
    /// Here, have your relay back (RFC 8656 § 8).
    Refresh = 0x004,
}

/// What came back, as far as it matters here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Answer {
    /// Whether it is the response of success, and not one of error.
    pub(in super::super) success: bool,
    /// From where the server saw the question come.
    pub(in super::super) mapped: Option<SocketAddr>,
    /// Code and reason of an error.
    pub(in super::super) error: Option<(u16, String)>,
    /// The realm in which an account would be asked for.
    pub(in super::super) realm: Option<String>,
    /// The server's program.
    pub(in super::super) software: Option<String>,
}

/// A question without an account. Allocate asks for UDP, the only transport every relay has;
/// Refresh asks for no more time at all, which ends it.
pub(in super::super) fn question(method: Method, transaction: Transaction) -> Vec<u8> {
    let attributes: &[u8] = match method {
        Method::Binding => &[],
        Method::Allocate => &[0x00, 0x19, 0x00, 0x04, 17, 0, 0, 0],
        Method::Refresh => &[0x00, 0x0D, 0x00, 0x04, 0, 0, 0, 0],
    };
    let mut message = Vec::with_capacity(HEADER + attributes.len());
    message.extend((method as u16).to_be_bytes());
    message.extend(u16::try_from(attributes.len()).unwrap_or(0).to_be_bytes());
    message.extend(COOKIE.to_be_bytes());
    message.extend(transaction);
    message.extend(attributes);
    message
}

/// Waits for the answer to one question.
pub(in super::super) struct Awaited {
    pub(in super::super) method: Method,
    pub(in super::super) transaction: Transaction,
}

impl Reader for Awaited {
    type Answer = Answer;

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let Some(header) = bytes.first_chunk::<HEADER>() else { return Ok(None) };
        let (kind, body) = (be16(header, 0), be16(header, 2));
        if kind & 0xC000 != 0 || body % 4 != 0 || header[4..8] != COOKIE.to_be_bytes() {
            return Err("an answer that is no STUN".to_owned());
        }
        let length = HEADER + usize::from(body);
        Ok((bytes.len() >= length).then_some(length))
    }

    fn read(&self, message: &[u8]) -> Option<Answer> {
        let length = self.length(message).ok()??;
        let header = message.first_chunk::<HEADER>()?;
        // The class is in bits 4 and 8, between those of the method.
        let success = match be16(header, 0) ^ self.method as u16 {
            0x0100 => true,
            0x0110 => false,
            _ => return None,
        };
        if header[8..] != self.transaction {
            return None;
        }
        let mut answer = Answer { success, ..Answer::default() };
        let mut rest = message.get(HEADER..length)?;
        while let Some((kind, value, after)) = attribute(rest) {
            answer.take(kind, value, &self.transaction);
            rest = after;
        }
        Some(answer)
    }
}

impl Answer {
    fn take(&mut self, kind: u16, value: &[u8], transaction: &Transaction) {
        match kind {
            // MAPPED-ADDRESS of servers older than RFC 5389; the hidden one is the surer.
            0x0001 => self.mapped = self.mapped.or_else(|| address(value, None)),
            0x0020 => self.mapped = address(value, Some(transaction)).or(self.mapped),
            0x0009 => self.error = error(value),
            0x0014 => self.realm = Some(text(value)),
            0x8022 => self.software = Some(text(value)),
            _ => {}
        }
    }
}

/// The first attribute: its type, its value, and what comes after its padding.
fn attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let header = bytes.first_chunk::<4>()?;
    let (kind, length) = (be16(header, 0), usize::from(be16(header, 2)));
    let value = bytes.get(4..4 + length)?;
    let after = bytes.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, value, after))
}

/// RFC 8489 § 14.1 and 14.2; hidden by cookie and transaction from gateways that rewrite
/// addresses wherever they see them.
fn address(value: &[u8], hidden: Option<&Transaction>) -> Option<SocketAddr> {
    let [_, family, port @ ..] = value.first_chunk::<4>()?;
    let mut mask = [0; 16];
    let mut port = u16::from_be_bytes(*port);
    if let Some(transaction) = hidden {
        port ^= 0x2112;
        mask[..4].copy_from_slice(&COOKIE.to_be_bytes());
        mask[4..].copy_from_slice(transaction);
    }
    let bytes = |wanted: usize| value.get(4..).filter(|rest| rest.len() == wanted);
    let unhidden = |bytes: &[u8]| bytes.iter().zip(mask).map(|(a, b)| a ^ b).collect::<Vec<_>>();
    let ip: IpAddr = match family {
        1 => Ipv4Addr::from(<[u8; 4]>::try_from(unhidden(bytes(4)?)).ok()?).into(),
        2 => Ipv6Addr::from(<[u8; 16]>::try_from(unhidden(bytes(16)?)).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// RFC 8489 § 14.8: hundreds in three bits, the rest below 100, then the reason.
fn error(value: &[u8]) -> Option<(u16, String)> {
    let [_, _, class, number] = value.first_chunk::<4>()?;
    let code = u16::from(class & 7) * 100 + u16::from(*number);
    Some((code, text(value.get(4..).unwrap_or_default())))
}

fn text(value: &[u8]) -> String {
    /// RFC 8489 § 14.8 to 14.14: reasons, realms and names have fewer than 128 characters.
    const CHARS: usize = 127;
    let text = String::from_utf8_lossy(value);
    text.trim_end_matches('\0').chars().filter(|c| !c.is_control()).take(CHARS).collect()
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRANSACTION: Transaction = [7; 12];

    fn awaited(method: Method) -> Awaited {
        Awaited { method, transaction: TRANSACTION }
    }

    fn answer(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let mut message = kind.to_be_bytes().to_vec();
        message.extend(u16::try_from(attributes.len()).unwrap().to_be_bytes());
        message.extend(COOKIE.to_be_bytes());
        message.extend(TRANSACTION);
        message.extend(attributes);
        message
    }

    #[test]
    fn questions_are_the_bytes_of_the_standard() {
        let binding = question(Method::Binding, TRANSACTION);
        assert_eq!(binding[..8], [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42]);
        assert_eq!(binding.len(), HEADER);
        let allocate = question(Method::Allocate, TRANSACTION);
        assert_eq!(allocate[..4], [0, 3, 0, 8]);
        assert_eq!(allocate[HEADER..], [0x00, 0x19, 0x00, 0x04, 0x11, 0, 0, 0]);
    }

    #[test]
    fn a_relay_is_given_back_by_asking_for_no_more_time() {
        let refresh = question(Method::Refresh, TRANSACTION);
        assert_eq!(refresh[..4], [0, 4, 0, 8]);
        assert_eq!(refresh[HEADER..], [0, 0x0D, 0, 4, 0, 0, 0, 0]);
    }

    #[test]
    fn the_hidden_address_is_unhidden_and_goes_before_the_open_one() {
        // 203.0.113.9:43142 as an old and as a new server tells it.
        let open = [0, 1, 0, 8, 0, 1, 0xA8, 0x86, 10, 0, 0, 1];
        let hidden = [0, 0x20, 0, 8, 0, 1, 0x89, 0x94, 0xEA, 0x12, 0xD5, 0x4B];
        let expected = "203.0.113.9:43142".parse().unwrap();
        for attributes in [hidden.to_vec(), [hidden, open].concat(), [open, hidden].concat()] {
            let message = answer(0x0101, &attributes);
            let found = awaited(Method::Binding).read(&message).unwrap();
            assert_eq!((found.success, found.mapped), (true, Some(expected)));
        }
    }

    #[test]
    fn an_address_of_ipv6_is_hidden_by_the_transaction_too() {
        let plain = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x42).octets();
        let mask = [COOKIE.to_be_bytes().to_vec(), TRANSACTION.to_vec()].concat();
        let hidden: Vec<u8> = plain.iter().zip(&mask).map(|(a, b)| a ^ b).collect();
        let attribute = [&[0, 0x20, 0, 20, 0, 2, 0x21, 0x12], hidden.as_slice()].concat();
        let found = awaited(Method::Binding).read(&answer(0x0101, &attribute)).unwrap();
        assert_eq!(found.mapped, Some("[2001:db8::42]:0".parse().unwrap()));
    }

    #[test]
    fn a_refusal_tells_its_code_and_realm() {
        let error = [&[0, 9, 0, 16, 0, 0, 4, 1], b"Unauthorized".as_slice()].concat();
        let realm = [&[0, 0x14, 0, 6], b"tinh\0\0\0\0".as_slice()].concat();
        let message = answer(0x0113, &[error, realm].concat());
        let found = awaited(Method::Allocate).read(&message).unwrap();
        assert_eq!(found.error, Some((401, "Unauthorized".to_owned())));
        assert_eq!((found.success, found.realm.as_deref()), (false, Some("tinh")));
    }

    #[test]
    fn what_is_not_the_answer_is_none() {
        let good = answer(0x0101, &[]);
        let mut other = good.clone();
        other[19] ^= 1;
        let mut no_cookie = good.clone();
        no_cookie[4] ^= 1;
        for (message, why) in [
            (other, "another transaction"),
            (no_cookie, "no cookie"),
            (answer(0x0001, &[]), "a question"),
            (answer(0x0011, &[]), "an indication"),
            (answer(0x0103, &[]), "the answer to another method"),
            (good[..19].to_vec(), "cut within the header"),
            (answer(0x0101, &[0; 8])[..24].to_vec(), "cut within the attributes"),
        ] {
            assert_eq!(awaited(Method::Binding).read(&message), None, "{why}");
        }
    }

    #[test]
    fn attributes_that_lie_about_their_length_end_the_reading() {
        for attributes in
            [vec![0, 9, 0xFF, 0xFF], vec![0, 0x20, 0, 8, 0, 1, 0, 0], vec![0, 9, 0, 2, 4, 1, 0, 0]]
        {
            let found = awaited(Method::Binding).read(&answer(0x0101, &attributes)).unwrap();
            assert_eq!((found.mapped, found.error), (None, None), "{attributes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let message = answer(0x0101, &vec![0; bytes.len() / 4 * 4]);
            let _ = awaited(Method::Binding).length(&bytes);
            let _ = awaited(Method::Binding).read(&bytes);
            let framed = [&message[..HEADER], &bytes[..bytes.len() / 4 * 4]].concat();
            prop_assert!(awaited(Method::Binding).read(&framed).is_some());
        }
    }

    #[test]
    fn nothing_like_an_answer_is_too_strange() {
        let hidden = [0, 0x20, 0, 8, 0, 1, 0x89, 0x94, 0xEA, 0x12, 0xD5, 0x4B];
        let error = [&[0, 9, 0, 16, 0, 0, 4, 1], b"Unauthorized".as_slice()].concat();
        let texts = b"\0\x14\0\x06tinh.v\0\0\x80\x22\0\x04Cotn";
        let shapes = [
            answer(0x0101, &[hidden.as_slice(), texts].concat()),
            answer(0x0113, &[error.as_slice(), texts].concat()),
        ];
        crate::mutations::survives(&shapes, |bytes| {
            let mut framed = bytes.to_vec();
            if let Some(length) = framed.len().checked_sub(HEADER) {
                // Most of what is broken would else be refused for its length.
                framed[2..4].copy_from_slice(&u16::try_from(length).unwrap_or(0).to_be_bytes());
            }
            let read = |method| [awaited(method).read(bytes), awaited(method).read(&framed)];
            (awaited(Method::Binding).length(bytes), read(Method::Binding), read(Method::Allocate))
        });
    }
}
