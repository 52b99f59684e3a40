//! What kills meetings on old PCs. Of most of it Windows keeps no totals that a program may read
//! without a session of performance counters, which would cost more than the whole agent; so that
//! stays untold.

use super::disks;
use crate::platform::Strain;

/// See [`crate::platform`].
#[must_use]
pub fn strain() -> Strain {
    Strain { disks_failing: disks::failing(), ..Strain::default() }
}
