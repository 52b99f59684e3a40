//! The system's name, its language, and the name servers it asks.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_SUCCESS};
use windows_sys::Win32::Globalization::GetUserDefaultUILanguage;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_FRIENDLY_NAME, GAA_FLAG_SKIP_MULTICAST,
    GAA_FLAG_SKIP_UNICAST, GetAdaptersAddresses, IP_ADAPTER_ADDRESSES_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsHostname, GetComputerNameExW,
};
use wire::Language;

use super::registry::{Key, MACHINE};
use super::text::narrow;

const DNS_PORT: u16 = 53;

/// As many as are worth asking one after the other.
const NAME_SERVERS: usize = 3;

/// From this build on Windows is 11, which its own `ProductName` still calls 10.
const WINDOWS_11: u32 = 22_000;

/// The primary language Vietnamese of a language identifier (`LANG_VIETNAMESE` of winnt.h), in its
/// lower ten bits.
const VIETNAMESE: u16 = 0x2A;

/// Room for the answer about all adapters, as its documentation recommends; it says when that is
/// too little.
const ADAPTERS: u32 = 16 * 1024;

/// Addresses of name servers that Windows makes up where nobody named one (RFC 4291 section
/// 2.5.7: these were withdrawn).
const MADE_UP: &str = "fec0:0:0:ffff::";

/// `Windows 11 Pro 23H2 (22631)`.
#[must_use]
pub fn os_name() -> String {
    let Some(key) = Key::open(MACHINE, r"SOFTWARE\Microsoft\Windows NT\CurrentVersion") else {
        return "Windows".to_owned();
    };
    let version = key.text("DisplayVersion").or_else(|| key.text("ReleaseId"));
    let (product, build) = (key.text("ProductName"), key.text("CurrentBuildNumber"));
    spelt(product.as_deref(), version.as_deref(), build.as_deref())
}

fn spelt(product: Option<&str>, version: Option<&str>, build: Option<&str>) -> String {
    let product = product.unwrap_or("Windows");
    let number: Option<u32> = build.and_then(|build| build.parse().ok());
    let mut name = match product.strip_prefix("Windows 10") {
        Some(edition) if number.is_some_and(|number| number >= WINDOWS_11) => {
            format!("Windows 11{edition}")
        }
        _ => product.trim_start_matches("Microsoft ").to_owned(),
    };
    if let Some(version) = version {
        name = format!("{name} {version}");
    }
    if let Some(number) = number {
        name = format!("{name} ({number})");
    }
    name
}

/// The name of this PC, of which DNS would know; empty where it has none.
#[must_use]
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn hostname() -> String {
    // The longest label of DNS (RFC 1035 section 2.3.4), many times over.
    let mut name = [0u16; 256];
    let mut length = 256;
    // SAFETY: the name has room for `length` units.
    let answered = unsafe {
        GetComputerNameExW(ComputerNamePhysicalDnsHostname, name.as_mut_ptr(), &raw mut length)
    };
    if answered == 0 { String::new() } else { narrow(&name) }
}

/// The language in which Windows speaks to its user.
#[must_use]
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn language() -> Option<Language> {
    // SAFETY: it takes nothing and cannot fail.
    let identifier = unsafe { GetUserDefaultUILanguage() };
    let vietnamese = identifier & 0x3FF == VIETNAMESE;
    Some(if vietnamese { Language::Vi } else { Language::En })
}

/// The name servers of the adapters that are connected, in the system's order of adapters; each
/// once.
#[must_use]
pub fn dns_servers() -> Vec<SocketAddr> {
    let made_up: Option<Ipv6Addr> = MADE_UP.parse().ok();
    let is_made_up = |address: IpAddr| match (address, made_up) {
        (IpAddr::V6(address), Some(made_up)) => {
            address.segments().get(..4) == made_up.segments().get(..4)
        }
        _ => false,
    };
    let mut seen = BTreeSet::new();
    let servers: Vec<SocketAddr> = adapters_servers()
        .into_iter()
        .filter(|server| !is_made_up(server.ip()) && seen.insert(*server))
        .take(NAME_SERVERS)
        .collect();
    if servers.is_empty() { vec![(Ipv4Addr::LOCALHOST, DNS_PORT).into()] } else { servers }
}

#[expect(unsafe_code, reason = "a list of Windows that is walked by pointers")]
fn adapters_servers() -> Vec<SocketAddr> {
    let flags = GAA_FLAG_SKIP_UNICAST
        | GAA_FLAG_SKIP_ANYCAST
        | GAA_FLAG_SKIP_MULTICAST
        | GAA_FLAG_SKIP_FRIENDLY_NAME;
    let mut bytes = ADAPTERS;
    // Adapters may come in between two calls; a third time would be a fault.
    for _ in 0..3 {
        // Made of words, so that it is aligned for what is written into it.
        let mut room = vec![0u64; bytes as usize / size_of::<u64>() + 1];
        let list: *mut IP_ADAPTER_ADDRESSES_LH = room.as_mut_ptr().cast();
        // SAFETY: `room` has at least `bytes` bytes.
        let status = unsafe {
            GetAdaptersAddresses(AF_UNSPEC.into(), flags, ptr::null(), list, &raw mut bytes)
        };
        match status {
            // SAFETY: the call has written a list into `room`, which outlives the walk.
            ERROR_SUCCESS => return unsafe { walk(list) },
            ERROR_BUFFER_OVERFLOW => {}
            _ => break,
        }
    }
    Vec::new()
}

/// # Safety
/// `adapter` is null or the head of a list of `GetAdaptersAddresses` that is alive.
#[expect(unsafe_code, reason = "a list of Windows that is walked by pointers")]
unsafe fn walk(mut adapter: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    // SAFETY: every pointer is null or to a live part of the list, by this function's contract.
    while let Some(about) = unsafe { adapter.as_ref() } {
        let mut server = about.FirstDnsServerAddress;
        // SAFETY: as above.
        while let Some(one) = unsafe { server.as_ref() } {
            if about.OperStatus == IfOperStatusUp {
                // SAFETY: as above.
                servers.extend(unsafe { address(&one.Address) });
            }
            server = one.Next;
        }
        adapter = about.Next;
    }
    servers
}

/// # Safety
/// `found` points to a live address of the family it names, or to nothing.
#[expect(unsafe_code, reason = "the family tells what an address is made of")]
unsafe fn address(found: &SOCKET_ADDRESS) -> Option<SocketAddr> {
    // SAFETY: by this function's contract.
    let family = unsafe { found.lpSockaddr.as_ref()? }.sa_family;
    match family {
        AF_INET => {
            // SAFETY: of this family; the list need not be aligned for it.
            let v4: SOCKADDR_IN =
                unsafe { found.lpSockaddr.cast::<SOCKADDR_IN>().read_unaligned() };
            // SAFETY: all views of the union are integers of the same four bytes.
            let bits = unsafe { v4.sin_addr.S_un.S_addr };
            Some((Ipv4Addr::from(bits.to_ne_bytes()), DNS_PORT).into())
        }
        AF_INET6 => {
            // SAFETY: of this family; the list need not be aligned for it.
            let v6: SOCKADDR_IN6 =
                unsafe { found.lpSockaddr.cast::<SOCKADDR_IN6>().read_unaligned() };
            // SAFETY: all views of the unions are integers of the same bytes.
            let (bytes, scope) = unsafe { (v6.sin6_addr.u.Byte, v6.Anonymous.sin6_scope_id) };
            Some(SocketAddrV6::new(bytes.into(), DNS_PORT, 0, scope).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_11_is_called_by_its_name() {
        for (product, version, build, name) in [
            ("Windows 10 Pro", "23H2", "22631", "Windows 11 Pro 23H2 (22631)"),
            ("Windows 10 Pro", "22H2", "19045", "Windows 10 Pro 22H2 (19045)"),
            ("Microsoft Windows 10", "", "18362", "Windows 10 (18362)"),
            ("Windows Server 2022 Standard", "21H2", "", "Windows Server 2022 Standard 21H2"),
        ] {
            let told = |text| Some(text).filter(|text: &&str| !text.is_empty());
            assert_eq!(spelt(told(product), told(version), told(build)), name);
        }
        assert_eq!(spelt(None, None, None), "Windows");
    }

    #[test]
    fn this_system_has_names() {
        assert!(os_name().starts_with("Windows"), "{}", os_name());
        assert!(!hostname().is_empty());
        assert!(language().is_some());
        let servers = dns_servers();
        assert!((1..=NAME_SERVERS).contains(&servers.len()), "{servers:?}");
    }
}
