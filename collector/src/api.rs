//! The JSON of `/api/v1`. Pure.

use crate::fleet::Snapshot;

/// `/api/v1/sites`: every site in one line each.
#[must_use]
pub fn sites(snapshot: &Snapshot) -> Vec<u8> {
    let _ = snapshot;
    Vec::new()
}

/// `/api/v1/sites/{id}`: one site with its readings; `None` when nobody knows it (404).
#[must_use]
pub fn site(snapshot: &Snapshot, id: &str) -> Option<Vec<u8>> {
    let _ = (snapshot, id);
    None
}
