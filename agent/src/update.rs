//! Updates of the agent itself, signed by the operator.
//!
//! ```text
//!  installed program                                  an update, state/updates/<id>/
//!  run ─▶ supervise ─┬─ no update: the agent itself   updated <id> [--trial]
//!            ▲       └─ starts the update ──────────▶ the agent
//!            │                                          │ stdout: accepted, switch <id>
//!            │◀─────────────────────────────────────────┘
//!            └ stdin: proved; its end: stop
//!
//!  follow: offer ─▶ manifest (signature, version) ─▶ program (parts, digest) ─▶ self-test ─▶ switch
//! ```
//! The installed program is never touched: it belongs to the system's package. It stays as the one
//! who starts the update, checks signature and digest before each start, and goes back to what ran
//! before if the update ends on trial or brings no report through. So no manager of services has
//! to know of any of it, and a new package always wins over older updates.
//!
//! What the two say to each other, and `updated`, are for ever: an old program starts a new one.

mod child;
mod fetch;
mod follow;
mod kept;
mod place;
mod settings;
mod supervise;

use tokio::sync::watch;
use wire::update::Standing;

pub use child::{Role, Told};
pub(crate) use follow::Updating;
pub use settings::{Settings, Updates};
pub use supervise::{Start, SuperviseError, supervise};

/// What the uplink and the one who follows updates tell each other.
#[derive(Debug)]
pub struct Ends {
    /// The id of the manifest that the collector's last answer named.
    pub offered: watch::Sender<Option<Box<str>>>,
    /// What each push says.
    pub standing: watch::Receiver<Standing>,
    /// Whether a report of this start was accepted.
    pub accepted: watch::Sender<bool>,
}

/// A reason as it travels: short and printable, whatever it quotes.
fn reason(text: &str) -> Box<str> {
    text.escape_default().take(wire::limits::TEXT_CHARS).collect::<String>().into()
}
