//! The devices of a room.

use std::io;

use crate::platform::{Device, Sound, SoundDevice};

/// See [`super`].
pub fn cameras() -> io::Result<Vec<Device>> {
    Err(untold())
}

/// See [`super`].
pub fn usb_devices() -> io::Result<Vec<Device>> {
    Err(untold())
}

/// See [`super`].
pub fn sound_devices(_: Sound) -> io::Result<Vec<SoundDevice>> {
    Err(untold())
}

/// See [`super`].
pub fn displays() -> io::Result<Vec<Device>> {
    Err(untold())
}

fn untold() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this version of the agent cannot ask Windows for the devices of a room",
    )
}
