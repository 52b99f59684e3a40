//! Which display gets which picture under Windows, by its list of paths from pictures to displays.
//! Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::Cause;

use super::Device;

/// A picture: the graphics card that makes it, and its number there.
pub(super) type Picture = (u64, u32);

/// A display that is connected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Target {
    /// `\\?\DISPLAY#GSM5B09#5&2a1b&0&UID4352#{e6f07b5f-ee97-4a90-b076-33f57bf4eaa7}`
    pub(super) path: String,
    /// What it calls itself.
    pub(super) name: String,
    /// The picture it gets; `None` where it is no part of the desktop.
    pub(super) picture: Option<Picture>,
}

impl Target {
    /// Which device of Plug and Play it is: `DISPLAY\GSM5B09\5&2a1b&0&UID4352`.
    fn instance(&self) -> Option<String> {
        let (instance, _class) = self.path.strip_prefix(r"\\?\")?.rsplit_once("#{")?;
        Some(instance.replace('#', r"\"))
    }
}

/// A way from a picture to a display that Windows could take or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) picture: Picture,
    /// The card and the number of the display's socket there.
    pub(super) socket: (u64, u32),
    /// Whether Windows takes it.
    pub(super) taken: bool,
    /// Whether something is plugged into the socket.
    pub(super) plugged: bool,
}

/// Each socket with a display, and the picture it gets. Windows lists every way that it could take.
pub(super) fn sockets(ways: &[Way]) -> BTreeMap<(u64, u32), Option<Picture>> {
    let mut sockets = BTreeMap::new();
    for way in ways.iter().filter(|way| way.plugged || way.taken) {
        let picture = sockets.entry(way.socket).or_insert(None);
        if way.taken {
            *picture = Some(way.picture);
        }
    }
    sockets
}

/// Tells of each display, known by its id of Plug and Play, when it gets no picture, or that of
/// another.
pub(super) fn judge(displays: &mut [(String, Device)], targets: &[Target]) {
    for (id, display) in displays {
        let is_it = |target: &&Target| {
            target.instance().is_some_and(|instance| instance.eq_ignore_ascii_case(id))
        };
        let Some(own) = targets.iter().find(is_it) else { continue };
        if own.picture.is_none() {
            let why = "it is no part of the desktop (Windows + P)".to_owned();
            display.troubles.push((Cause::Inactive, why));
            continue;
        }
        let same = |target: &&Target| target.path != own.path && target.picture == own.picture;
        if let Some(other) = targets.iter().find(same) {
            let other = if other.name.is_empty() { "another display" } else { &other.name };
            display.troubles.push((Cause::Duplicated, format!("the same picture as {other}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: &str = "{e6f07b5f-ee97-4a90-b076-33f57bf4eaa7}";

    /// A monitor and a television, as Windows 11 names them.
    fn target(id: &str, name: &str, picture: Option<u32>) -> Target {
        let path = format!(r"\\?\{}#{CLASS}", id.replace('\\', "#"));
        Target { path, name: name.to_owned(), picture: picture.map(|number| (0x1_2345, number)) }
    }

    const DELL: &str = r"DISPLAY\DELA0C3\5&2a1b&0&UID4353";
    const LG: &str = r"DISPLAY\GSM5B09\5&2a1b&0&UID4352";

    fn troubles(dell: Option<u32>, lg: Option<u32>) -> Vec<String> {
        let device = |name: &str| Device { name: name.to_owned(), ..Device::default() };
        // Plug and Play writes ids in capital letters.
        let mut displays =
            [(DELL.to_uppercase(), device("DELL")), (LG.to_uppercase(), device("LG"))];
        judge(&mut displays, &[target(DELL, "DELL P2419H", dell), target(LG, "", lg)]);
        let all = displays.iter().flat_map(|(_, device)| {
            device
                .troubles
                .iter()
                .map(|(cause, why)| format!("{} {}: {why}", device.name, cause.label()))
        });
        all.collect()
    }

    #[test]
    fn extended_displays_are_good_and_repeated_or_dark_ones_are_told() {
        assert!(troubles(Some(0), Some(1)).is_empty());
        assert_eq!(
            troubles(Some(0), Some(0)),
            [
                "DELL duplicated: the same picture as another display",
                "LG duplicated: the same picture as DELL P2419H",
            ]
        );
        assert_eq!(
            troubles(Some(0), None),
            ["LG inactive: it is no part of the desktop (Windows + P)"]
        );
        // Both dark is no picture in common.
        assert_eq!(troubles(None, None).len(), 2);
    }

    #[test]
    fn a_display_that_the_desktop_does_not_name_is_left_alone() {
        let mut displays = [(LG.to_owned(), Device::default())];
        judge(&mut displays, &[]);
        judge(&mut displays, &[Target::default(), target(DELL, "", None)]);
        assert_eq!(displays[0].1, Device::default());
    }

    /// A card with two pictures and three sockets lists each with each.
    #[test]
    fn of_all_ways_those_that_are_taken_count_and_those_to_nothing_do_not() {
        let way = |picture, socket, taken, plugged| Way {
            picture: (7, picture),
            socket: (7, socket),
            taken,
            plugged,
        };
        let ways = [
            way(0, 260, true, true),
            way(1, 260, false, true),
            way(0, 261, false, true),
            way(1, 261, false, true),
            way(0, 262, false, false),
        ];
        let expected = [((7, 260), Some((7, 0))), ((7, 261), None)];
        assert_eq!(sockets(&ways).into_iter().collect::<Vec<_>>(), expected);
        let cloned = [way(0, 260, true, true), way(1, 260, false, true), way(0, 261, true, true)];
        assert!(sockets(&cloned).values().all(|picture| *picture == Some((7, 0))));
    }
}
