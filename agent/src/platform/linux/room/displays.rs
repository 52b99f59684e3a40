//! Displays from the connectors of `/sys/class/drm` (drm-kms(7); `status`, `enabled` and `dpms`
//! as the kernel's `drm_sysfs.c` writes them).
//!
//! Behind a splitter the splitter is the display: whether the television behind it is on, no PC
//! can see.

use std::path::Path;
use std::{fs, io};

use wire::Cause;

use super::super::read_at;
use crate::platform::{Device, edid};

/// Connectors of screens that are part of the PC: a room does not look at them.
const BUILT_IN: &[&str] = &["eDP", "LVDS", "DSI", "DPI"];

/// Connectors that lead into memory and not to a display.
const NOT_DISPLAYS: &[&str] = &["Writeback"];

/// Above a PC with three graphics cards.
const CONNECTORS: usize = 64;

/// All displays that are connected, built-in ones left out. The error says that no graphics
/// driver tells of its connectors, which is not the same as none being connected.
pub(in super::super) fn displays(root: &Path) -> io::Result<Vec<Device>> {
    let untold = || {
        let message = "no graphics driver tells of its connectors in /sys/class/drm";
        io::Error::new(io::ErrorKind::Unsupported, message)
    };
    let entries = fs::read_dir(root.join("sys/class/drm")).map_err(|_| untold())?;
    let mut connectors: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().join("status").exists())
        .take(CONNECTORS)
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    if connectors.is_empty() {
        return Err(untold());
    }
    connectors.sort();
    Ok(connectors.iter().filter_map(|(name, path)| display(name, path)).collect())
}

fn display(entry: &str, path: &Path) -> Option<Device> {
    let text = |name: &str| read_at(&path.join(name)).unwrap_or_default();
    // card0-HDMI-A-1
    let connector = entry.split_once('-').map_or(entry, |(_, connector)| connector);
    let is = |kinds: &[&str]| kinds.iter().any(|kind| connector.starts_with(kind));
    let enabled = text("enabled") == "enabled";
    let connected = match text("status").as_str() {
        "connected" => true,
        // Old analogue sockets cannot tell; what the desktop sends a picture to counts.
        "unknown" => enabled,
        _ => false,
    };
    if !connected || is(BUILT_IN) || is(NOT_DISPLAYS) {
        return None;
    }
    let identity = fs::read(path.join("edid")).ok().and_then(|bytes| edid::identity(&bytes));
    let identity = identity.unwrap_or_default();
    let mut troubles = Vec::new();
    if !enabled {
        troubles.push((Cause::Inactive, format!("{connector} is not enabled")));
    } else if !matches!(text("dpms").as_str(), "On" | "") {
        troubles.push((Cause::Asleep, format!("{connector}: dpms {}", text("dpms"))));
    }
    let name = if identity.name.is_empty() { connector.to_owned() } else { identity.name };
    let aliases = format!("{} {connector}", identity.maker);
    Some(Device { name, aliases, troubles, ..Device::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::edid::tests::edid;
    use crate::platform::linux::tree::Tree;

    /// A connector as Linux 6.1 shows it.
    fn connector(tree: &Tree, name: &str, [status, enabled, dpms]: [&str; 3], edid: &[u8]) {
        let at = format!("sys/class/drm/card0-{name}");
        tree.file(&format!("{at}/status"), status);
        tree.file(&format!("{at}/enabled"), enabled);
        tree.file(&format!("{at}/dpms"), dpms);
        tree.bytes(&format!("{at}/edid"), edid);
    }

    const ON: [&str; 3] = ["connected", "enabled", "On"];
    const NOTHING: [&str; 3] = ["disconnected", "disabled", "Off"];

    #[test]
    fn what_is_connected_is_listed_and_the_laptops_own_screen_is_not() {
        let tree = Tree::default();
        connector(&tree, "HDMI-A-1", ON, &edid("LG TV SSCR2", *b"GSM"));
        connector(&tree, "HDMI-A-2", NOTHING, &[]);
        connector(&tree, "VGA-1", ["unknown", "enabled", "On"], &[]);
        connector(&tree, "DP-1", ["unknown", "disabled", "Off"], &[]);
        connector(&tree, "eDP-1", ON, &edid("B140", *b"AUO"));
        connector(&tree, "Writeback-1", ["unknown", "enabled", "On"], &[]);
        tree.file("sys/class/drm/version", "drm 1.1.0 20060810");
        let found = displays(tree.root()).unwrap();
        let names: Vec<_> = found.iter().map(|display| display.name.as_str()).collect();
        assert_eq!(names, ["LG TV SSCR2", "VGA-1"]);
        assert_eq!(found[0].aliases, "GSM HDMI-A-1");
        assert!(found.iter().all(|display| display.troubles.is_empty()));
    }

    #[test]
    fn a_display_without_a_picture_says_why() {
        for (states, trouble) in [
            (["connected", "disabled", "Off"], (Cause::Inactive, "HDMI-A-1 is not enabled")),
            (["connected", "enabled", "Standby"], (Cause::Asleep, "HDMI-A-1: dpms Standby")),
        ] {
            let tree = Tree::default();
            connector(&tree, "HDMI-A-1", states, &[1, 2, 3]);
            let found = displays(tree.root()).unwrap();
            assert_eq!(found[0].name, "HDMI-A-1", "an EDID that is none gives no name");
            assert_eq!(found[0].troubles, [(trouble.0, trouble.1.to_owned())]);
        }
    }

    #[test]
    fn nothing_connected_is_an_answer_and_no_connectors_is_none() {
        let tree = Tree::default();
        assert_eq!(displays(tree.root()).unwrap_err().kind(), io::ErrorKind::Unsupported);
        tree.file("sys/class/drm/version", "drm 1.1.0 20060810");
        assert_eq!(displays(tree.root()).unwrap_err().kind(), io::ErrorKind::Unsupported);
        connector(&tree, "HDMI-A-1", NOTHING, &[]);
        assert_eq!(displays(tree.root()).unwrap(), []);
    }
}
