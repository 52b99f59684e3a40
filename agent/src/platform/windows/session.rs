//! The session of whoever sits at the PC, which a service cannot see into: default sound devices,
//! mute and volume, displays, and settings that are that user's alone.
//!
//! At sign-in Windows starts a [`helper`] there, the same program as the service; the service
//! [hears](listener) it through a pipe and asks when a probe wants to know. A program that a person
//! starts is in such a session itself and looks with its own eyes.

mod helper;
mod listener;
mod sign_in;

pub use helper::run_in_session;
pub use listener::hear_sessions;
pub(super) use sign_in::{forget_helper, start_helpers_at_sign_in};

use super::room;
use crate::platform::session::{Told, Topic};

/// The pipe between both. Its name says nothing that is secret: who may open it, its rights say.
const PIPE: &str = r"\\.\pipe\NhipCauAgentSession";

/// What the session of whoever sits at the PC tells; the error says why there is nothing.
pub(super) fn ask(about: Topic) -> Result<Told, &'static str> {
    if super::service::is_service() {
        listener::ask(about)
    } else {
        room::look(about).ok_or("Windows does not tell")
    }
}
