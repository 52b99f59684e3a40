//! Network interfaces from `/sys/class/net` (Documentation/ABI/testing/sysfs-class-net of the
//! kernel), the routes and the Wi-Fi levels from `/proc/net`.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use super::{number, read, read_at};
use crate::platform::{Link, LinkState, LinkTotals};

/// `IFF_UP` of netdevice(7).
const FLAG_UP: u32 = 0x1;

/// `IFF_LOOPBACK` of netdevice(7).
const FLAG_LOOPBACK: u32 = 0x8;

/// `RTF_UP` of the kernel's routing tables.
const ROUTE_UP: u32 = 0x1;

/// `RTF_REJECT`: a route that leads nowhere on purpose.
const ROUTE_REJECT: u32 = 0x200;

/// All interfaces but loopback, by name. An error means that the tree itself cannot be read.
pub(super) fn links(root: &Path) -> io::Result<Vec<Link>> {
    let defaults = default_routes(root);
    let wireless = read(root, "proc/net/wireless").unwrap_or_default();
    let mut links = Vec::new();
    for entry in fs::read_dir(root.join("sys/class/net"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(link) = link(&entry.path(), name, &defaults, &wireless) {
            links.push(link);
        }
    }
    links.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(links)
}

/// One interface; `None` for loopback, for files that are none (`bonding_masters`), and for one
/// that vanished while it was read.
fn link(path: &Path, name: String, defaults: &BTreeSet<String>, wireless: &str) -> Option<Link> {
    let flags = hex(&read_at(&path.join("flags")).ok()?)?;
    if flags & FLAG_LOOPBACK != 0 {
        return None;
    }
    let state = if flags & FLAG_UP == 0 {
        LinkState::Off
    } else if number::<u8>(&path.join("carrier")) == Some(1) {
        LinkState::Up
    } else {
        LinkState::NoCarrier
    };
    // Without a carrier drivers repeat the last negotiation or make one up.
    let negotiated = state == LinkState::Up;
    Some(Link {
        physical: path.join("device").exists(),
        default_route: defaults.contains(&name),
        state,
        bits_per_second: speed(path).filter(|_| negotiated),
        full_duplex: duplex(path).filter(|_| negotiated),
        totals: totals(&path.join("statistics"))?,
        wifi_signal_dbm: wifi_signal(wireless, &name),
        name,
    })
}

/// The file holds Mbit/s, and -1 or 4294967295 where the driver does not know.
fn speed(path: &Path) -> Option<u64> {
    let megabits = number::<i64>(&path.join("speed"))?;
    u64::try_from(megabits)
        .ok()
        .filter(|megabits| (1..u64::from(u32::MAX)).contains(megabits))
        .map(|megabits| megabits * 1_000_000)
}

fn duplex(path: &Path) -> Option<bool> {
    match read_at(&path.join("duplex")).ok()?.as_str() {
        "full" => Some(true),
        "half" => Some(false),
        _ => None,
    }
}

fn totals(statistics: &Path) -> Option<LinkTotals> {
    let value = |name: &str| number::<u64>(&statistics.join(name));
    let sum = |a: &str, b: &str| Some(value(a)?.saturating_add(value(b).unwrap_or(0)));
    Some(LinkTotals {
        receive_bytes: value("rx_bytes")?,
        transmit_bytes: value("tx_bytes")?,
        receive_errors: sum("rx_errors", "rx_dropped")?,
        transmit_errors: sum("tx_errors", "tx_dropped")?,
    })
}

/// The interfaces with a default route of either family.
fn default_routes(root: &Path) -> BTreeSet<String> {
    let v4 = read(root, "proc/net/route").unwrap_or_default();
    let v6 = read(root, "proc/net/ipv6_route").unwrap_or_default();
    v4.lines().filter_map(default_v4).chain(v6.lines().filter_map(default_v6)).collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`
fn default_v4(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [name, "00000000", _, flags, _, _, _, "00000000", ..] = fields.as_slice() else {
        return None;
    };
    leads_somewhere(flags).then(|| (*name).to_owned())
}

/// `destination prefix source prefix next-hop metric refcnt use flags Iface`
fn default_v6(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [destination, "00", _, _, _, _, _, _, flags, name] = fields.as_slice() else {
        return None;
    };
    (destination.bytes().all(|digit| digit == b'0') && leads_somewhere(flags))
        .then(|| (*name).to_owned())
}

fn leads_somewhere(flags: &str) -> bool {
    hex(flags).is_some_and(|flags| flags & ROUTE_UP != 0 && flags & ROUTE_REJECT == 0)
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

/// `wlan0: 0000   70.  -40.  -256  0 …`: status, link, level, noise.
fn wifi_signal(wireless: &str, name: &str) -> Option<f64> {
    let rest = wireless
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))?;
    let level: f64 = rest.split_ascii_whitespace().nth(2)?.trim_end_matches('.').parse().ok()?;
    // Old drivers give a share of their own scale, which is positive and no level.
    (level < 0.0).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with the files of one interface after another: `(path, content)`.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("sys/class/net")).unwrap();
        for (path, text) in files {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        root
    }

    fn interface<'a>(name: &str, flags: &'a str, carrier: &'a str) -> Vec<(String, &'a str)> {
        let file = |path: &str| format!("sys/class/net/{name}/{path}");
        vec![
            (file("flags"), flags),
            (file("carrier"), carrier),
            (file("device/vendor"), "0x8086\n"),
            (file("statistics/rx_bytes"), "1000\n"),
            (file("statistics/tx_bytes"), "500\n"),
            (file("statistics/rx_errors"), "2\n"),
            (file("statistics/rx_dropped"), "3\n"),
            (file("statistics/tx_errors"), "1\n"),
        ]
    }

    fn read_links(interfaces: &[Vec<(String, &str)>], more: &[(&str, &str)]) -> Vec<Link> {
        let own = interfaces.iter().flatten().map(|(path, text)| (path.as_str(), *text));
        let files: Vec<_> = own.chain(more.iter().copied()).collect();
        links(tree(&files).path()).unwrap()
    }

    const ROUTE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n\
                         eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
                         eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n";

    #[test]
    fn a_cabled_interface_tells_its_negotiation_route_and_totals() {
        let more = [
            ("sys/class/net/eth0/speed", "1000\n"),
            ("sys/class/net/eth0/duplex", "full\n"),
            ("proc/net/route", ROUTE),
        ];
        let links = read_links(&[interface("eth0", "0x1003\n", "1\n")], &more);
        let expected = Link {
            name: "eth0".to_owned(),
            physical: true,
            default_route: true,
            state: LinkState::Up,
            bits_per_second: Some(1_000_000_000),
            full_duplex: Some(true),
            totals: LinkTotals {
                receive_bytes: 1000,
                transmit_bytes: 500,
                receive_errors: 5,
                transmit_errors: 1,
            },
            wifi_signal_dbm: None,
        };
        assert_eq!(links, [expected]);
    }

    #[test]
    fn an_unplugged_cable_has_neither_carrier_nor_speed() {
        let more = [("sys/class/net/eth0/speed", "10\n"), ("sys/class/net/eth0/duplex", "half\n")];
        let links = read_links(&[interface("eth0", "0x1003", "0")], &more);
        let link = links.first().unwrap();
        assert_eq!((link.state, link.default_route), (LinkState::NoCarrier, false));
        assert_eq!((link.bits_per_second, link.full_duplex), (None, None));
    }

    #[test]
    fn a_switched_off_interface_says_so_whatever_its_carrier() {
        let links = read_links(&[interface("eth0", "0x1002", "1")], &[]);
        assert_eq!(links.first().unwrap().state, LinkState::Off);
    }

    #[test]
    fn unknown_speeds_are_no_speeds() {
        for speed in ["-1", "4294967295", "0", "fast", ""] {
            let links = read_links(
                &[interface("eth0", "0x1003", "1")],
                &[("sys/class/net/eth0/speed", speed)],
            );
            assert_eq!(links.first().unwrap().bits_per_second, None, "{speed:?}");
        }
    }

    #[test]
    fn loopback_and_files_that_are_no_interfaces_are_left_out() {
        let links =
            read_links(&[interface("lo", "0x9", "1")], &[("sys/class/net/bonding_masters", "")]);
        assert_eq!(links, []);
    }

    #[test]
    fn the_level_of_wi_fi_is_read_and_old_scales_are_not() {
        let head = "Inter-| sta-|   Quality        |   Discarded packets\n \
                    face | tus | link level noise |  nwid  crypt\n";
        for (line, level) in [
            ("wlan0: 0000   52.  -58.  -256        0      0", Some(-58.0)),
            ("wlan0: 0000   52.  58.  0        0      0", None),
            ("wlan01: 0000   52.  -58.  -256        0      0", None),
            ("wlan0: 0000", None),
        ] {
            assert_eq!(wifi_signal(&format!("{head}  {line}\n"), "wlan0"), level, "{line}");
        }
    }

    #[test]
    fn a_default_route_of_ipv6_counts_and_one_that_rejects_does_not() {
        let zero = "0".repeat(32);
        let line = |flags: &str, name: &str| {
            format!("{zero} 00 {zero} 00 fe80{} 400 1 0 {flags} {name}\n", "0".repeat(28))
        };
        let v6 = line("00000003", "eth0") + &line("00200200", "lo") + "torn line\n";
        let root = tree(&[("proc/net/ipv6_route", v6.as_str())]);
        assert_eq!(default_routes(root.path()), BTreeSet::from(["eth0".to_owned()]));
    }

    #[test]
    fn a_pc_without_the_tree_is_an_error() {
        assert!(links(tempfile::tempdir().unwrap().path()).is_err());
    }
}
