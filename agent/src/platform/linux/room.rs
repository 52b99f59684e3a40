//! The devices of a room from `/sys`, `/proc` and the signed-in user's sound server.

mod alsa;
pub(super) mod cameras;
pub(super) mod displays;
mod holders;
mod privacy;
mod pulse;
pub(super) mod sound;
pub(super) mod usb;
