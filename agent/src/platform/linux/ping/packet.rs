//! Echo packets of ICMP (RFC 792) and `ICMPv6` (RFC 4443): made, and told from foreign ones.

use std::net::IpAddr;

/// Type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;

/// Random bytes at the start of every payload. Identifier and sequence number are 32 bits that
/// any host may guess or an address translator mix up; 64 more bits are beyond both.
pub(super) const TOKEN: usize = 8;

/// What all packets of one channel have in common.
#[derive(Debug, Clone)]
pub(super) struct Packets {
    /// `ICMPv6` has other types, and the kernel does its checksum.
    pub v6: bool,
    /// Raw IPv4 sockets deliver the IP header, no other does.
    pub ip_header: bool,
    pub identifier: u16,
    pub token: [u8; TOKEN],
}

impl Packets {
    /// A request without its number, whose payload is `size` bytes, at least the token's.
    pub(super) fn blank(&self, size: usize) -> Vec<u8> {
        let kind = if self.v6 { 128 } else { 8 };
        let mut packet = vec![kind, 0, 0, 0];
        packet.extend(self.identifier.to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(self.token);
        // Bytes that differ, so that a path which compresses or mangles runs cannot hide it.
        packet.extend((TOKEN..size).map(|n| n.to_le_bytes()[0]));
        packet
    }

    /// Gives a request its number.
    pub(super) fn number(&self, packet: &mut [u8], sequence: u16) {
        let [s0, s1] = sequence.to_be_bytes();
        if let [_, _, c0, c1, _, _, n0, n1, ..] = packet {
            (*c0, *c1, *n0, *n1) = (0, 0, s0, s1);
        }
        if !self.v6 {
            let [s0, s1] = checksum(packet).to_be_bytes();
            if let [_, _, c0, c1, ..] = packet {
                (*c0, *c1) = (s0, s1);
            }
        }
    }

    /// The sequence number, if `bytes` are a reply to one of these requests.
    ///
    /// Only the token is compared: some hosts cut the payload of replies short.
    pub(super) fn reply(&self, bytes: &[u8]) -> Option<u16> {
        let message = if self.ip_header { past_ip_header(bytes)? } else { bytes };
        let kind = if self.v6 { 129 } else { 0 };
        // A raw socket gets its copy before the kernel has looked at the checksum of ICMP.
        if !self.v6 && checksum(message) != 0 {
            return None;
        }
        let sequence = self.sequence(message, kind)?;
        (message.get(HEADER..HEADER + TOKEN)? == self.token).then_some(sequence)
    }

    /// The sequence number, if `bytes` are one of these requests as an ICMP error quotes it.
    ///
    /// Quotes need to hold no more than eight bytes (RFC 792), so there is no token to compare.
    pub(super) fn quoted(&self, bytes: &[u8]) -> Option<u16> {
        self.sequence(bytes, if self.v6 { 128 } else { 8 })
    }

    fn sequence(&self, message: &[u8], kind: u8) -> Option<u16> {
        let [k, 0, _, _, i0, i1, s0, s1] = *message.first_chunk::<HEADER>()? else { return None };
        let ours = k == kind && u16::from_be_bytes([i0, i1]) == self.identifier;
        ours.then_some(u16::from_be_bytes([s0, s1]))
    }
}

/// What an ICMP error of that type and code says (the registries of IANA); nothing for those
/// that do not mean that the request is lost.
pub(super) fn error(v6: bool, kind: u8, code: u8) -> Option<&'static str> {
    Some(match (v6, kind, code) {
        (false, 3, 0 | 6) | (true, 1, 0) => "network unreachable",
        (false, 3, 1 | 7) | (true, 1, 3) => "host unreachable",
        (false, 3, 4) | (true, 2, _) => "packet too big for the path",
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => "administratively prohibited",
        (false, 3, _) | (true, 1, _) => "destination unreachable",
        (false, 11, _) | (true, 3, _) => "hop limit exceeded",
        (false, 12, _) | (true, 4, _) => "parameter problem",
        _ => return None,
    })
}

/// The message after an IPv4 header (RFC 791), whose length is in words of four bytes.
fn past_ip_header(bytes: &[u8]) -> Option<&[u8]> {
    let first = *bytes.first()?;
    let length = usize::from(first & 0x0f) * 4;
    (first >> 4 == 4 && length >= 20).then(|| bytes.get(length..)).flatten()
}

/// The internet checksum (RFC 1071); 0 over a packet that carries its own.
fn checksum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u32::from(*byte) << 8);
    let mut sum = words.iter().fold(last, |sum, word| sum + u32::from(u16::from_be_bytes(*word)));
    while let high @ 1.. = sum >> 16 {
        sum = (sum & 0xffff) + high;
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Whether an address speaks `ICMPv6`.
pub(super) fn is_v6(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OURS: Packets =
        Packets { v6: false, ip_header: false, identifier: 0x4e43, token: *b"nhipcau!" };

    fn request(packets: &Packets, sequence: u16, size: usize) -> Vec<u8> {
        let mut packet = packets.blank(size);
        // As if it had gone out before.
        packets.number(&mut packet, !sequence);
        packets.number(&mut packet, sequence);
        packet
    }

    fn reply_to(packets: &Packets, sequence: u16, size: usize) -> Vec<u8> {
        let mut packet = request(packets, sequence, size);
        packet[0] = if packets.v6 { 129 } else { 0 };
        repair(&mut packet);
        if packets.ip_header {
            let mut whole = vec![0x46; 1];
            whole.resize(24, 0);
            whole.extend(packet);
            return whole;
        }
        packet
    }

    fn repair(packet: &mut [u8]) {
        packet[2..4].fill(0);
        let sum = checksum(packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        // The example of RFC 1071 section 3 sums to ddf2.
        let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&example), !0xddf2);
        assert_eq!(checksum(&request(&OURS, 7, 57)), 0, "odd lengths too");
    }

    #[test]
    fn a_request_has_the_size_asked_for() {
        for size in [8, 9, 56, 1472] {
            assert_eq!(request(&OURS, 1, size).len(), HEADER + size);
        }
    }

    #[test]
    fn replies_are_known_in_every_shape() {
        let raw = Packets { ip_header: true, ..OURS };
        let v6 = Packets { v6: true, ..OURS };
        for packets in [&OURS, &raw, &v6] {
            assert_eq!(packets.reply(&reply_to(packets, 513, 56)), Some(513));
            let cut_short = reply_to(packets, 513, TOKEN);
            assert_eq!(packets.reply(&cut_short), Some(513));
        }
    }

    #[test]
    fn what_is_foreign_is_not_a_reply() {
        let other_identifier = Packets { identifier: 1, ..OURS };
        let other_token = Packets { token: *b"stranger", ..OURS };
        let mut other_code = reply_to(&OURS, 1, 56);
        other_code[1] = 1;
        repair(&mut other_code);
        let mut flipped = reply_to(&OURS, 1, 56);
        flipped[20] ^= 1;
        let strangers = [
            ("another program's", reply_to(&other_identifier, 1, 56)),
            ("a guess", reply_to(&other_token, 1, 56)),
            ("our own request, looped back", request(&OURS, 1, 56)),
            ("another code", other_code),
            ("a broken one", flipped),
            ("a torn one", reply_to(&OURS, 1, 56)[..12].to_vec()),
        ];
        for (what, bytes) in strangers {
            assert_eq!(OURS.reply(&bytes), None, "{what}");
        }
    }

    #[test]
    fn an_error_names_the_request_it_quotes() {
        assert_eq!(OURS.quoted(&request(&OURS, 9, 56)[..8]), Some(9));
        assert_eq!(OURS.quoted(&reply_to(&OURS, 9, 56)), None);
        assert_eq!(error(false, 3, 1), Some("host unreachable"));
        assert_eq!(error(true, 1, 0), Some("network unreachable"));
        assert_eq!(error(false, 5, 0), None, "a redirect loses nothing");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>, v6: bool, ip_header: bool) {
            let packets = Packets { v6, ip_header, ..OURS };
            // The token is 64 bits: that random bytes hit it is out of reach.
            prop_assert_eq!(packets.reply(&bytes), None);
            packets.quoted(&bytes);
        }

        #[test]
        fn no_flipped_bit_gets_through_over_ipv4(at in 0..64usize, bit in 0..8u8, sequence: u16) {
            let mut packet = reply_to(&OURS, sequence, 56);
            packet[at] ^= 1 << bit;
            prop_assert_eq!(OURS.reply(&packet), None);
        }
    }
}
