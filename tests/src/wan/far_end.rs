//! The hosts behind the line: they answer echo requests (RFC 792, RFC 4443). Pure.

/// An echo request that came through the line.
#[derive(Debug)]
pub(super) struct Request<'a> {
    packet: &'a [u8],
    v6: bool,
    /// Where ICMP begins.
    header: usize,
    pub(super) identifier: u16,
    pub(super) sequence: u16,
}

impl<'a> Request<'a> {
    /// A request over IPv4 or IPv6; nothing if it is anything else.
    pub(super) fn parse(packet: &'a [u8]) -> Option<Self> {
        let (v6, header, protocol) = match packet.first()? >> 4 {
            4 => (false, usize::from(packet[0] & 0xf) * 4, *packet.get(9)?),
            6 => (true, 40, *packet.get(6)?),
            _ => return None,
        };
        let icmp = packet.get(header..header + 8)?;
        let request = (protocol, icmp[0]) == if v6 { (58, 128) } else { (1, 8) };
        request.then(|| Self {
            packet,
            v6,
            header,
            identifier: u16::from_be_bytes([icmp[4], icmp[5]]),
            sequence: u16::from_be_bytes([icmp[6], icmp[7]]),
        })
    }

    /// What the host it is for sends back.
    pub(super) fn answer(&self) -> Vec<u8> {
        // 10.77.255.0/24 is nowhere.
        if !self.v6 && self.packet[16..19] == [10, 77, 255] {
            return self.unreachable();
        }
        let mut answer = self.packet.to_vec();
        let (source, length) = if self.v6 { (8, 16) } else { (12, 4) };
        let (left, right) = answer.split_at_mut(source + length);
        left[source..].swap_with_slice(&mut right[..length]);
        let kind = if self.v6 { 129 } else { 0 };
        // Swapped addresses leave every sum as it is; only the type changes.
        change(&mut answer[self.header..], 0, kind);
        answer
    }

    /// "Host unreachable" (RFC 792), by the router of that network.
    fn unreachable(&self) -> Vec<u8> {
        let quoted = &self.packet[..self.packet.len().min(self.header + 8)];
        let mut icmp = vec![3, 1, 0, 0, 0, 0, 0, 0];
        icmp.extend(quoted);
        let sum = checksum(&icmp);
        icmp[2..4].copy_from_slice(&sum);
        let length = u16::try_from(20 + icmp.len()).unwrap().to_be_bytes();
        let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 1, 0, 0];
        packet.extend([10, 77, 255, 254]);
        packet.extend(&self.packet[12..16]);
        let sum = checksum(&packet);
        packet[10..12].copy_from_slice(&sum);
        packet.extend(icmp);
        packet
    }
}

/// The same reply with another payload and a right checksum, as from somebody who guesses.
pub(super) fn forge(answer: &[u8]) -> Vec<u8> {
    let header = if answer[0] >> 4 == 4 { usize::from(answer[0] & 0xf) * 4 } else { 40 };
    let mut forged = answer.to_vec();
    let first = !forged[header + 8];
    change(&mut forged[header..], 8, first);
    forged
}

/// Changes one byte of an ICMP message at an even place, and its checksum with it (RFC 1624).
fn change(icmp: &mut [u8], at: usize, byte: u8) {
    let word = |icmp: &[u8], at| u32::from(u16::from_be_bytes([icmp[at], icmp[at + 1]]));
    let old = word(icmp, at);
    icmp[at] = byte;
    let sum = (0xffff - word(icmp, 2)) + (0xffff - old) + word(icmp, at);
    icmp[2..4].copy_from_slice(&fold(sum));
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
    fold(bytes.chunks(2).map(word).sum())
}

fn fold(mut sum: u32) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    (0xffff - u16::try_from(sum).unwrap()).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request from 10.77.0.1 to 10.77.`third`.1, identifier 1, sequence number 2.
    fn request(third: u8) -> Vec<u8> {
        let mut packet =
            vec![0x45, 0, 0, 36, 0, 0, 0, 0, 64, 1, 0, 0, 10, 77, 0, 1, 10, 77, third, 1];
        let sum = checksum(&packet);
        packet[10..12].copy_from_slice(&sum);
        let mut icmp = vec![8, 0, 0, 0, 0, 1, 0, 2];
        icmp.extend(*b"payload!");
        let sum = checksum(&icmp);
        icmp[2..4].copy_from_slice(&sum);
        packet.extend(icmp);
        packet
    }

    #[test]
    fn a_request_is_answered_by_the_host_it_is_for() {
        let packet = request(1);
        let answer = Request::parse(&packet).unwrap().answer();
        assert_eq!(answer[12..20], [10, 77, 1, 1, 10, 77, 0, 1]);
        assert_eq!(answer[20], 0, "an echo reply");
        assert_eq!(checksum(&answer[..20]), [0, 0]);
        assert_eq!(checksum(&answer[20..]), [0, 0]);
        assert_eq!(answer[24..], packet[24..]);
    }

    #[test]
    fn a_forged_reply_differs_in_the_payload_alone() {
        let packet = request(1);
        let answer = Request::parse(&packet).unwrap().answer();
        let forged = forge(&answer);
        assert_eq!(checksum(&forged[20..]), [0, 0]);
        assert_ne!(forged[28..], answer[28..]);
        assert_eq!(forged[24..28], answer[24..28]);
    }

    #[test]
    fn a_host_that_does_not_exist_is_said_to_be_unreachable() {
        let packet = request(255);
        let answer = Request::parse(&packet).unwrap().answer();
        assert_eq!(answer[12..20], [10, 77, 255, 254, 10, 77, 0, 1]);
        assert_eq!(answer[20..22], [3, 1]);
        assert_eq!(checksum(&answer[..20]), [0, 0]);
        assert_eq!(checksum(&answer[20..]), [0, 0]);
        assert_eq!(answer[28..], packet[..28], "the request's header is quoted");
    }

    #[test]
    fn what_is_no_request_is_left_alone() {
        let mut reply = request(1);
        reply[20] = 0;
        for packet in [&[] as &[u8], &[0x45], &reply, &request(1)[..24]] {
            assert!(Request::parse(packet).is_none(), "{packet:?}");
        }
    }
}
