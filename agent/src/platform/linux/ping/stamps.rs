//! The kernel's receive stamps, switched on and seen to be there.
//!
//! The kernel begins to stamp some time after the first socket of the system has asked for it
//! (`net_enable_timestamp` leaves that to a worker); until then a message bears the time at which
//! it was read. Replies are read seldom here, so the first burst of all would look slow or lost.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};

/// Tries of a millisecond each. The worker needs less unless all processors are taken; a first
/// burst that is measured roughly is better than an agent that stands still.
const TRIES: u32 = 20;

const TRY: Duration = Duration::from_millis(1);

/// Asks for stamps as long as the program runs, so that the kernel never stops.
static KEEPER: OnceLock<Option<UdpSocket>> = OnceLock::new();

/// Returns when the kernel stamps, at most 20 ms after the first call of all. Where that cannot
/// be seen, nothing is worse than without.
pub(super) fn switch_on() {
    KEEPER.get_or_init(|| keeper().ok());
}

fn keeper() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    socket.connect(socket.local_addr()?)?;
    socket.set_nonblocking(true)?;
    for _ in 0..TRIES {
        if is_stamped(&socket)? {
            break;
        }
    }
    Ok(socket)
}

/// Sends itself a message and reads it a while later: the kernel's own stamp is of before.
fn is_stamped(socket: &UdpSocket) -> io::Result<bool> {
    socket.send(&[0])?;
    let sent = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    thread::sleep(TRY);
    let mut message = [0; 1];
    let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut parts = [IoSliceMut::new(&mut message)];
    let received =
        recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let is_before = |control| match control {
        ControlMessageOwned::ScmTimestampns(stamp) => Duration::from(stamp) <= sent,
        _ => false,
    };
    Ok(received.cmsgs()?.any(is_before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_switched_on_the_kernel_stamps_what_is_read_later() {
        switch_on();
        let socket = KEEPER.get().unwrap().as_ref().expect("Linux has receive stamps");
        assert!(is_stamped(socket).unwrap());
    }
}
