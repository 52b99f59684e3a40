//! What the driver of a network card says under Windows (`ntddndis.h`). Pure.

/// `NDIS_LINK_STATE`: its length in full, of which newer versions may add more.
pub(super) const LINK_STATE_BYTES: usize = 40;

/// Where `MediaDuplexState` stands in it, behind its header and whether it is connected.
const DUPLEX_AT: usize = 8;

/// `NDIS_OBJECT_TYPE_DEFAULT`, the first byte of its header.
const DEFAULT_OBJECT: u8 = 0x80;

/// Whether both ends of a link talk at once; `None` where the driver does not know.
pub(super) fn full_duplex(state: &[u8]) -> Option<bool> {
    if state.first() != Some(&DEFAULT_OBJECT) {
        return None;
    }
    match state.get(DUPLEX_AT..)?.first_chunk().copied().map(u32::from_le_bytes)? {
        1 => Some(false),
        2 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_half_duplex_only_by_its_drivers_word() {
        let state = |duplex: u8| {
            let mut state = vec![0x80, 1, 40, 0, 1, 0, 0, 0, duplex, 0, 0, 0];
            state.resize(LINK_STATE_BYTES, 0);
            state
        };
        for (duplex, expected) in [(0, None), (1, Some(false)), (2, Some(true)), (7, None)] {
            assert_eq!(full_duplex(&state(duplex)), expected, "{duplex}");
        }
        assert_eq!(full_duplex(&state(1)[..11]), None);
        assert_eq!(full_duplex(&[]), None);
        assert_eq!(full_duplex(&[0; LINK_STATE_BYTES]), None);
    }
}
