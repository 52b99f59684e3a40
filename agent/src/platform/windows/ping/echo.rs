//! One request and what Windows says of it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ptr;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    ICMP_ECHO_REPLY, ICMPV6_ECHO_REPLY_LH, IP_BAD_DESTINATION, IP_DEST_HOST_UNREACHABLE,
    IP_DEST_NET_UNREACHABLE, IP_DEST_PORT_UNREACHABLE, IP_DEST_PROT_UNREACHABLE,
    IP_DEST_UNREACHABLE, IP_OPTION_INFORMATION, IP_PACKET_TOO_BIG, IP_REQ_TIMED_OUT, IP_SUCCESS,
    IP_TIME_EXCEEDED, IP_TTL_EXPIRED_TRANSIT, Icmp6CreateFile, Icmp6SendEcho2, IcmpCloseHandle,
    IcmpCreateFile, IcmpSendEcho2Ex,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET6, IN6_ADDR, SOCKADDR_IN6};

use crate::platform::echo::Notice;

/// What `ping` of Windows lets a packet travel.
const HOPS: u8 = 128;

/// Beyond reply and payload: eight bytes of an ICMP error and an `IO_STATUS_BLOCK`, as the
/// function's documentation asks.
const SLACK: usize = 8 + 16;

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Echoed {
    Reply(Duration),
    Refused(Notice),
    Nothing,
}

/// The echo services of both families, opened when first needed. Not shared between threads.
#[derive(Debug, Default)]
pub(super) struct Service {
    v4: Option<Handle>,
    v6: Option<Handle>,
}

#[derive(Debug)]
struct Handle(HANDLE);

impl Handle {
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn open(v6: bool) -> io::Result<Self> {
        // SAFETY: neither takes anything.
        let handle = unsafe { if v6 { Icmp6CreateFile() } else { IcmpCreateFile() } };
        if handle == INVALID_HANDLE_VALUE {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self(handle))
        }
    }
}

impl Drop for Handle {
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed only here; no call is under way, as each one waits.
        unsafe { IcmpCloseHandle(self.0) };
    }
}

/// What a call came to: the status and who sent it; the error of the call where there was no
/// reply.
struct Answer {
    status: u32,
    from: Option<IpAddr>,
}

impl Service {
    /// Sends one request and waits for what comes of it, at most `timeout`.
    pub(super) fn echo(&mut self, target: SocketAddr, payload: &[u8], timeout: Duration) -> Echoed {
        let service = if target.is_ipv6() { &mut self.v6 } else { &mut self.v4 };
        if service.is_none() {
            *service = Handle::open(target.is_ipv6()).ok();
        }
        let Some(handle) = service else { return refused(IP_DEST_UNREACHABLE, None) };
        // The system counts in whole milliseconds, and takes 0 for none at all.
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX).max(1);
        let begun = Instant::now();
        let answer = match target {
            SocketAddr::V4(to) => echo_v4(handle, *to.ip(), payload, millis),
            SocketAddr::V6(to) => echo_v6(handle, to, payload, millis),
        };
        let rtt = begun.elapsed();
        match answer.status {
            IP_SUCCESS if answer.from.is_some() => Echoed::Reply(rtt),
            IP_SUCCESS | IP_REQ_TIMED_OUT => Echoed::Nothing,
            status => refused(status, answer.from),
        }
    }
}

fn refused(status: u32, from: Option<IpAddr>) -> Echoed {
    let what = match status {
        IP_DEST_NET_UNREACHABLE => "network unreachable",
        IP_DEST_HOST_UNREACHABLE => "host unreachable",
        IP_DEST_PROT_UNREACHABLE => "prohibited on the way",
        IP_DEST_PORT_UNREACHABLE => "port unreachable",
        IP_DEST_UNREACHABLE | IP_BAD_DESTINATION => "destination unreachable",
        IP_PACKET_TOO_BIG => "packet too big",
        IP_TTL_EXPIRED_TRANSIT | IP_TIME_EXCEEDED => "time to live exceeded",
        _ => "the system could not send it",
    };
    Echoed::Refused(Notice { what, from })
}

/// Room for a reply of `T`, made of words so that it is aligned for it; and its size in bytes.
fn room<T>(payload: &[u8]) -> (Vec<u64>, u32) {
    let words = (size_of::<T>() + payload.len() + SLACK).div_ceil(size_of::<u64>());
    (vec![0; words], u32::try_from(words * size_of::<u64>()).unwrap_or(u32::MAX))
}

fn options() -> IP_OPTION_INFORMATION {
    IP_OPTION_INFORMATION {
        Ttl: HOPS,
        Tos: 0,
        Flags: 0,
        OptionsSize: 0,
        OptionsData: ptr::null_mut(),
    }
}

/// The error of the call that has just failed: one of the statuses, or one of Windows' own.
fn failed() -> Answer {
    let code = io::Error::last_os_error().raw_os_error().unwrap_or_default();
    Answer { status: u32::try_from(code).unwrap_or(IP_DEST_UNREACHABLE), from: None }
}

/// Payloads are bounded by the configuration far below this.
fn length(payload: &[u8]) -> u16 {
    u16::try_from(payload.len()).unwrap_or(u16::MAX)
}

#[expect(unsafe_code, reason = "calls to Windows")]
fn echo_v4(handle: &Handle, to: Ipv4Addr, payload: &[u8], millis: u32) -> Answer {
    let (mut reply, bytes) = room::<ICMP_ECHO_REPLY>(payload);
    let options = options();
    // SAFETY: the handle is open; payload, options and reply have the sizes that are told and
    // outlive the call, which returns only when nothing is under way any more.
    let replies = unsafe {
        IcmpSendEcho2Ex(
            handle.0,
            ptr::null_mut(),
            None,
            ptr::null(),
            0,
            u32::from_ne_bytes(to.octets()),
            payload.as_ptr().cast(),
            length(payload),
            &raw const options,
            reply.as_mut_ptr().cast(),
            bytes,
            millis,
        )
    };
    if replies == 0 {
        return failed();
    }
    // SAFETY: there is at least one reply, which `room` is large enough and aligned for.
    let reply = unsafe { reply.as_ptr().cast::<ICMP_ECHO_REPLY>().read() };
    Answer { status: reply.Status, from: Some(Ipv4Addr::from(reply.Address.to_ne_bytes()).into()) }
}

#[expect(unsafe_code, reason = "calls to Windows")]
fn echo_v6(handle: &Handle, to: SocketAddrV6, payload: &[u8], millis: u32) -> Answer {
    let (mut reply, bytes) = room::<ICMPV6_ECHO_REPLY_LH>(payload);
    let options = options();
    let from = SOCKADDR_IN6 { sin6_family: AF_INET6, ..SOCKADDR_IN6::default() };
    let mut target = from;
    let mut address = IN6_ADDR::default();
    address.u.Byte = to.ip().octets();
    target.sin6_addr = address;
    target.Anonymous.sin6_scope_id = to.scope_id();
    // SAFETY: as of `echo_v4`; the addresses are live values too.
    let replies = unsafe {
        Icmp6SendEcho2(
            handle.0,
            ptr::null_mut(),
            None,
            ptr::null(),
            &raw const from,
            &raw const target,
            payload.as_ptr().cast(),
            length(payload),
            &raw const options,
            reply.as_mut_ptr().cast(),
            bytes,
            millis,
        )
    };
    if replies == 0 {
        return failed();
    }
    // SAFETY: there is at least one reply, which `room` is large enough for.
    let reply = unsafe { reply.as_ptr().cast::<ICMPV6_ECHO_REPLY_LH>().read_unaligned() };
    let segments = { reply.Address.sin6_addr }.map(u16::from_be);
    Answer { status: reply.Status, from: Some(Ipv6Addr::from(segments).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_words() {
        let from = Some(Ipv4Addr::new(10, 0, 0, 1).into());
        let notice = |what| Echoed::Refused(Notice { what, from });
        assert_eq!(refused(IP_DEST_HOST_UNREACHABLE, from), notice("host unreachable"));
        assert_eq!(refused(IP_TTL_EXPIRED_TRANSIT, from), notice("time to live exceeded"));
        assert_eq!(refused(5, from), notice("the system could not send it"));
    }

    #[test]
    fn a_reply_has_room_for_its_payload_and_for_an_error() {
        let (words, bytes) = room::<ICMP_ECHO_REPLY>(&[0; 1472]);
        assert_eq!(words.len() * 8, bytes as usize);
        assert!(bytes as usize >= size_of::<ICMP_ECHO_REPLY>() + 1472 + SLACK);
    }
}
