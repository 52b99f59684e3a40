//! The system's name and the name servers it asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::Path;

use nix::net::if_::if_nametoindex;

use super::read;

const DNS_PORT: u16 = 53;

/// As many as the system's resolver reads (`MAXNS` of resolv.conf(5)).
const NAME_SERVERS: usize = 3;

/// `PRETTY_NAME` of os-release(5), from the two places it names, in its order.
pub(super) fn os_name(root: &Path) -> String {
    ["etc/os-release", "usr/lib/os-release"]
        .into_iter()
        .filter_map(|path| read(root, path).ok())
        .find_map(|text| pretty_name(&text))
        .unwrap_or_else(|| "Linux".to_owned())
}

fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix("PRETTY_NAME="))?.trim();
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    let name = quoted('"').or_else(|| quoted('\'')).unwrap_or(value).replace('\\', "");
    (!name.is_empty()).then_some(name)
}

/// The `nameserver` lines of resolv.conf(5); without any, the one on this PC, as it says there.
pub(super) fn dns_servers(root: &Path) -> Vec<SocketAddr> {
    let text = read(root, "etc/resolv.conf").unwrap_or_default();
    let servers: Vec<SocketAddr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            (words.next()? == "nameserver").then(|| server(words.next()?)).flatten()
        })
        .take(NAME_SERVERS)
        .collect();
    if servers.is_empty() { vec![(Ipv4Addr::LOCALHOST, DNS_PORT).into()] } else { servers }
}

/// `10.0.0.1`, `2001:db8::1`, or `fe80::1%eth0` of one interface.
fn server(text: &str) -> Option<SocketAddr> {
    if let Some((address, zone)) = text.split_once('%') {
        let address: Ipv6Addr = address.parse().ok()?;
        let scope = zone.parse().ok().or_else(|| if_nametoindex(zone).ok())?;
        return Some(SocketAddrV6::new(address, DNS_PORT, 0, scope).into());
    }
    text.parse::<IpAddr>().ok().map(|address| (address, DNS_PORT).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, text: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        root
    }

    #[test]
    fn the_system_is_called_as_its_maker_calls_it() {
        for (text, name) in [
            (
                "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
                "Debian GNU/Linux 12 (bookworm)",
            ),
            ("PRETTY_NAME='Ubuntu 24.04'", "Ubuntu 24.04"),
            ("PRETTY_NAME=Alpine", "Alpine"),
            ("PRETTY_NAME=\"A \\\"B\\\"\"", "A \"B\""),
            ("PRETTY_NAME=\"\"", "Linux"),
            ("PRETTY_NAME=\"", "\""),
            ("", "Linux"),
        ] {
            assert_eq!(os_name(tree("etc/os-release", text).path()), name, "{text:?}");
        }
        let vendor = tree("usr/lib/os-release", "PRETTY_NAME=Vendor");
        assert_eq!(os_name(vendor.path()), "Vendor");
    }

    #[test]
    fn name_servers_come_in_the_systems_order_and_number() {
        for (text, servers) in [
            (
                "# nameserver 1.1.1.1\nnameserver 10.0.0.1\nnameserver\t2001:db8::1 \n",
                "10.0.0.1:53 [2001:db8::1]:53",
            ),
            ("nameserver fe80::1%lo", "[fe80::1%1]:53"),
            ("nameserver fe80::1%nosuch0\nnameserver nonsense\nnameserver", "127.0.0.1:53"),
            ("search tinh.gov.vn", "127.0.0.1:53"),
            (
                "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4",
                "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53",
            ),
        ] {
            let found = dns_servers(tree("etc/resolv.conf", text).path());
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), servers, "{text:?}");
        }
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(dns_servers(nothing.path()), ["127.0.0.1:53".parse().unwrap()]);
    }
}
