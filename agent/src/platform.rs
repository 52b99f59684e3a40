//! What only the operating system knows, behind one set of functions.
//!
//! Each system has one file with the same functions; nothing outside `platform` asks which
//! system it runs on.

pub mod echo;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;
