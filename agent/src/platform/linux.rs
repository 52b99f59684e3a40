//! Linux: `/proc`, `/sys` and system calls.

mod ping;

pub use ping::Ping;
