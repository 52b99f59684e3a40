//! A network in CIDR notation (RFC 4632 § 3.1, RFC 4291 § 2.3).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network: an address and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    address: IpAddr,
    bits: u8,
}

impl Subnet {
    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Subnet {
    type Err = String;

    /// `10.31.6.0/24`; an address alone is a network of itself.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no network like 10.31.6.0/24");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.trim().parse().map_err(|_| wrong()))?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_its_network_and_in_no_other() {
        for (network, address, inside) in [
            ("10.31.6.0/24", "10.31.6.255", true),
            ("10.31.6.0/24", "10.31.7.0", false),
            ("10.31.6.0/24", "::ffff:10.31.6.1", true),
            ("10.31.6.7", "10.31.6.7", true),
            ("10.31.6.7", "10.31.6.8", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("fd00:7::/64", "fd00:7::9", true),
            ("fd00:7::/64", "fd00:8::9", false),
        ] {
            let subnet: Subnet = network.parse().unwrap();
            assert_eq!(subnet.contains(address.parse().unwrap()), inside, "{network} {address}");
        }
        for bad in ["", "10.31.6/24", "10.31.6.0/33", "fd00::/129", "10.31.6.0/x", "pc"] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad}");
        }
    }
}
