//! Network interfaces, what their drivers know, and over which of them the default routes lead.

mod media;

use std::collections::BTreeSet;
use std::{io, ptr, slice};

use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    FreeMibTable, GetIfTable2, GetIpForwardTable2, IF_TYPE_ETHERNET_CSMACD, IF_TYPE_IEEE80211,
    IF_TYPE_SOFTWARE_LOOPBACK, IF_TYPE_TUNNEL, MIB_IF_ROW2, MIB_IF_TABLE2, MIB_IPFORWARD_TABLE2,
};
use windows_sys::Win32::NetworkManagement::Ndis::{
    IfOperStatusUp, MediaConnectStateDisconnected, NET_IF_ADMIN_STATUS_UP,
};
use windows_sys::Win32::Networking::WinSock::AF_UNSPEC;

use super::text::narrow;
use crate::platform::{Link, LinkState, LinkTotals};

/// `HardwareInterface` of `MIB_IF_ROW2`.
const HARDWARE: u8 = 0x01;

/// `FilterInterface` of `MIB_IF_ROW2`: a layer of an interface that is listed itself.
const FILTER: u8 = 0x02;

/// All interfaces but loopback, tunnels and layers of others, by name.
pub fn links() -> io::Result<Vec<Link>> {
    let defaults = default_routes();
    let mut links: Vec<Link> =
        interfaces()?.iter().filter_map(|row| Some(asked(row, link(row, &defaults)?))).collect();
    links.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(links)
}

/// An interface, with what its driver adds while it carries something.
fn asked(row: &MIB_IF_ROW2, link: Link) -> Link {
    match row.Type {
        _ if link.state != LinkState::Up || !link.physical => link,
        IF_TYPE_IEEE80211 => {
            Link { wifi_signal_dbm: media::wifi_signal(&row.InterfaceGuid), ..link }
        }
        IF_TYPE_ETHERNET_CSMACD => {
            Link { full_duplex: media::full_duplex(&row.InterfaceGuid), ..link }
        }
        _ => link,
    }
}

/// The addresses that makers gave the hardware, whatever is set or made up in their place; none
/// where Windows does not tell.
pub(super) fn permanent_addresses() -> Vec<String> {
    let rows = interfaces().unwrap_or_default();
    rows.iter().filter_map(permanent_address).collect()
}

fn permanent_address(row: &MIB_IF_ROW2) -> Option<String> {
    let hardware = row.InterfaceAndOperStatusFlags._bitfield & HARDWARE != 0;
    let address = row.PermanentPhysicalAddress.get(..row.PhysicalAddressLength as usize)?;
    let own = hardware && address.iter().any(|byte| *byte != 0);
    own.then(|| data_encoding::HEXLOWER.encode(address))
}

fn link(row: &MIB_IF_ROW2, defaults: &BTreeSet<u32>) -> Option<Link> {
    let flags = row.InterfaceAndOperStatusFlags._bitfield;
    if [IF_TYPE_SOFTWARE_LOOPBACK, IF_TYPE_TUNNEL].contains(&row.Type) || flags & FILTER != 0 {
        return None;
    }
    let connected =
        row.OperStatus == IfOperStatusUp && row.MediaConnectState != MediaConnectStateDisconnected;
    let state = if row.AdminStatus != NET_IF_ADMIN_STATUS_UP {
        LinkState::Off
    } else if connected {
        LinkState::Up
    } else {
        LinkState::NoCarrier
    };
    // Drivers that do not know say 0, or -1 as it looks without a sign.
    let known = |speed: &u64| state == LinkState::Up && (1..u64::MAX).contains(speed);
    Some(Link {
        name: narrow(&row.Alias),
        physical: flags & HARDWARE != 0,
        default_route: defaults.contains(&row.InterfaceIndex),
        state,
        bits_per_second: Some(row.TransmitLinkSpeed).filter(known),
        full_duplex: None,
        totals: LinkTotals {
            receive_bytes: row.InOctets,
            transmit_bytes: row.OutOctets,
            receive_errors: row.InErrors.saturating_add(row.InDiscards),
            transmit_errors: row.OutErrors.saturating_add(row.OutDiscards),
        },
        wifi_signal_dbm: None,
    })
}

#[expect(unsafe_code, reason = "a table that Windows allocates")]
fn interfaces() -> io::Result<Vec<MIB_IF_ROW2>> {
    let mut table: *mut MIB_IF_TABLE2 = ptr::null_mut();
    // SAFETY: a pointer to a live pointer; on success the table is ours until it is freed.
    let status = unsafe { GetIfTable2(&raw mut table) };
    if status != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(status.cast_signed()));
    }
    // SAFETY: the table has as many rows as it says, beginning at its first; copied before it is
    // freed, which happens once.
    Ok(unsafe {
        let rows = (&raw const (*table).Table).cast();
        let copied = slice::from_raw_parts(rows, (*table).NumEntries as usize).to_vec();
        FreeMibTable(table.cast());
        copied
    })
}

/// The indices of the interfaces with a default route of either family; none where Windows does
/// not tell.
#[expect(unsafe_code, reason = "a table that Windows allocates")]
fn default_routes() -> BTreeSet<u32> {
    let mut table: *mut MIB_IPFORWARD_TABLE2 = ptr::null_mut();
    // SAFETY: a pointer to a live pointer; on success the table is ours until it is freed.
    if unsafe { GetIpForwardTable2(AF_UNSPEC, &raw mut table) } != ERROR_SUCCESS {
        return BTreeSet::new();
    }
    // SAFETY: as of `interfaces`.
    unsafe {
        let rows = (&raw const (*table).Table)
            .cast::<windows_sys::Win32::NetworkManagement::IpHelper::MIB_IPFORWARD_ROW2>();
        let rows = slice::from_raw_parts(rows, (*table).NumEntries as usize);
        let to_all = rows.iter().filter(|row| row.DestinationPrefix.PrefixLength == 0);
        let indices = to_all.filter(|row| !row.Loopback).map(|row| row.InterfaceIndex).collect();
        FreeMibTable(table.cast());
        indices
    }
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::NetworkManagement::Ndis::{
        IfOperStatusDown, MediaConnectStateConnected, NET_IF_ADMIN_STATUS_DOWN,
    };

    use super::*;

    fn row() -> MIB_IF_ROW2 {
        let mut row = MIB_IF_ROW2 {
            InterfaceIndex: 7,
            Type: 6,
            OperStatus: IfOperStatusUp,
            AdminStatus: NET_IF_ADMIN_STATUS_UP,
            MediaConnectState: MediaConnectStateConnected,
            TransmitLinkSpeed: 1_000_000_000,
            InOctets: 1000,
            OutOctets: 500,
            InErrors: 2,
            InDiscards: 3,
            OutErrors: 1,
            ..MIB_IF_ROW2::default()
        };
        row.InterfaceAndOperStatusFlags._bitfield = HARDWARE;
        for (unit, letter) in row.Alias.iter_mut().zip("Mạng LAN".encode_utf16()) {
            *unit = letter;
        }
        row
    }

    fn seen(change: impl Fn(&mut MIB_IF_ROW2)) -> Option<Link> {
        let mut row = row();
        change(&mut row);
        link(&row, &BTreeSet::from([7]))
    }

    #[test]
    fn a_cabled_interface_tells_its_speed_route_and_totals() {
        let expected = Link {
            name: "Mạng LAN".to_owned(),
            physical: true,
            default_route: true,
            state: LinkState::Up,
            bits_per_second: Some(1_000_000_000),
            full_duplex: None,
            totals: LinkTotals {
                receive_bytes: 1000,
                transmit_bytes: 500,
                receive_errors: 5,
                transmit_errors: 1,
            },
            wifi_signal_dbm: None,
        };
        assert_eq!(seen(|_| {}), Some(expected));
    }

    #[test]
    fn what_carries_nothing_says_why_and_has_no_speed() {
        let state = |change: fn(&mut MIB_IF_ROW2)| {
            seen(change).map(|link| (link.state, link.bits_per_second))
        };
        let unplugged = Some((LinkState::NoCarrier, None));
        assert_eq!(state(|row| row.MediaConnectState = MediaConnectStateDisconnected), unplugged);
        assert_eq!(state(|row| row.OperStatus = IfOperStatusDown), unplugged);
        let off = Some((LinkState::Off, None));
        assert_eq!(state(|row| row.AdminStatus = NET_IF_ADMIN_STATUS_DOWN), off);
        for unknown in [0, u64::MAX] {
            let link = seen(|row| row.TransmitLinkSpeed = unknown).unwrap();
            assert_eq!((link.state, link.bits_per_second), (LinkState::Up, None));
        }
    }

    #[test]
    fn loopback_tunnels_and_layers_are_left_out() {
        assert_eq!(seen(|row| row.Type = IF_TYPE_SOFTWARE_LOOPBACK), None);
        assert_eq!(seen(|row| row.Type = IF_TYPE_TUNNEL), None);
        assert_eq!(seen(|row| row.InterfaceAndOperStatusFlags._bitfield |= FILTER), None);
    }

    #[test]
    fn this_system_answers() {
        links().unwrap();
    }
}
