//! What kills meetings on old PCs. Windows keeps no totals of it that a program may read without a
//! session of performance counters, which would cost more than the whole agent; so it stays untold.

use crate::platform::Strain;

/// See [`crate::platform`].
#[must_use]
pub fn strain() -> Strain {
    Strain::default()
}
