//! A TUN device (Documentation/networking/tuntap.rst of the kernel): IP packets as a file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::mem::size_of;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc::{self, c_char, c_int, c_short};

/// What the device is called in its namespace.
pub(super) const NAME: &str = "wan0";

const NODE: &str = "/dev/net/tun";

/// Makes the device in the namespace of the calling thread. One read is one packet sent by the
/// system, one write is one packet for it; nothing blocks.
pub(super) fn open() -> Result<File, String> {
    if !Path::new(NODE).exists() {
        // Containers often come without the node.
        fs::create_dir_all("/dev/net").map_err(|error| format!("no /dev/net: {error}"))?;
        super::run("mknod", &format!("{NODE} c 10 200"))?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
    let device = options.open(NODE).map_err(|error| format!("no {NODE}: {error}"))?;
    name(&device).map_err(|error| format!("no TUN device: {error}"))?;
    Ok(device)
}

#[expect(unsafe_code, reason = "no safe interface of this system call; no crate for one call")]
fn name(device: &File) -> io::Result<()> {
    nix::ioctl_write_ptr_bad!(
        tun_set_iff,
        nix::request_code_write!(b'T', 202, size_of::<c_int>()),
        libc::ifreq
    );
    let mut ifr_name: [c_char; libc::IFNAMSIZ] = [0; libc::IFNAMSIZ];
    for (to, from) in ifr_name.iter_mut().zip(NAME.bytes()) {
        *to = c_char::try_from(from).unwrap();
    }
    let flags = c_short::try_from(libc::IFF_TUN | libc::IFF_NO_PI).unwrap();
    let ifr_ifru = libc::__c_anonymous_ifr_ifru { ifru_flags: flags };
    let request = libc::ifreq { ifr_name, ifr_ifru };
    // SAFETY: the descriptor is open for as long as the call takes, and TUNSETIFF reads one
    // whole `ifreq`, which lives here.
    unsafe { tun_set_iff(device.as_raw_fd(), &raw const request) }?;
    Ok(())
}
