//! What Plug and Play of Windows says of a device, and what that means for a meeting. Pure, and so
//! tried on every system.

use wire::Cause;

use super::{Device, Sound};

/// A device that is there, by Windows' own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Which it is: `USB\VID_046D&PID_0866&MI_00\7&1234&0&0000`.
    pub(super) id: String,
    /// What its driver makes of it: `Camera`. Empty of one without a driver.
    pub(super) class: String,
    /// What it says of itself, the narrowest first: `USB\Class_0e&SubClass_03&Prot_00`.
    pub(super) compatible: Vec<String>,
    /// What its driver calls this very one.
    pub(super) friendly: String,
    /// What its driver calls such devices: `USB Composite Device`.
    pub(super) description: String,
    /// What it calls itself: `HD Pro Webcam C920`.
    pub(super) product: String,
    pub(super) maker: String,
    /// `DEVPKEY_Device_DevNodeStatus`
    pub(super) status: Option<u32>,
    /// `DEVPKEY_Device_ProblemCode`
    pub(super) problem: Option<u32>,
    /// What a display says of itself.
    pub(super) edid: Vec<u8>,
}

/// `DN_HAS_PROBLEM` of `cfg.h`.
const HAS_PROBLEM: u32 = 0x400;

/// USB's class of cameras (usb.org, Defined Class Codes).
const VIDEO: &str = r"USB\Class_0e";

/// USB's class of hubs, which are the sockets and not what is plugged in.
const HUB: &str = r"USB\Class_09";

impl Node {
    /// Cameras have a class of their own since Windows 10 of 2017; older drivers put them among
    /// scanners, and one without a driver is in no class.
    pub(super) fn is_camera(&self) -> bool {
        self.is_of("Camera")
            || ((self.is_of("Image") || self.class.is_empty()) && self.is_usb_class(VIDEO))
    }

    /// Something that is plugged into a socket, as a whole.
    pub(super) fn is_usb_device(&self) -> bool {
        // Functions of a device have their number (`MI_00`) behind its own.
        starts(&self.id, r"USB\VID_") && !self.id.contains("&MI_") && !self.is_usb_class(HUB)
    }

    /// An end of a sound device that programs can use; `{0.0.1.` is where sound comes in
    /// (`mmdeviceapi.h`).
    pub(super) fn is_sound(&self, sound: Sound) -> bool {
        let way = match sound {
            Sound::In => r"SWD\MMDEVAPI\{0.0.1.",
            Sound::Out => r"SWD\MMDEVAPI\{0.0.0.",
        };
        starts(&self.id, way)
    }

    /// A sound device that is plugged in; without its driver it has no ends.
    pub(super) fn is_plugged_sound(&self) -> bool {
        self.is_of("MEDIA") && starts(&self.id, r"USB\")
    }

    pub(super) fn is_of(&self, class: &str) -> bool {
        self.class.eq_ignore_ascii_case(class)
    }

    fn is_usb_class(&self, class: &str) -> bool {
        self.compatible.iter().any(|id| starts(id, class))
    }

    /// As people know it: by what its driver calls it.
    pub(super) fn device(&self) -> Device {
        self.named([&self.friendly, &self.product, &self.description])
    }

    /// As people know what is plugged in: by what is written on it.
    pub(super) fn plugged(&self) -> Device {
        self.named([&self.product, &self.friendly, &self.description])
    }

    fn named(&self, names: [&String; 3]) -> Device {
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or(&self.id);
        let usb = self.usb_id().unwrap_or_default();
        let aliases = format!("{} {usb} {} {}", self.maker, self.product, self.id);
        let troubles = self.trouble().into_iter().collect();
        Device { name: name.clone(), aliases, troubles, ..Device::default() }
    }

    /// `046d:0866`, as everywhere else
    fn usb_id(&self) -> Option<String> {
        let digits = |after: &str| self.id.split_once(after)?.1.get(..4);
        Some(format!("{}:{}", digits("VID_")?, digits("PID_")?).to_lowercase())
    }

    /// What Windows holds against it. A device of which it tells nothing is not known to work.
    pub(super) fn trouble(&self) -> Option<(Cause, String)> {
        let code = match (self.status, self.problem) {
            (Some(status), _) if status & HAS_PROBLEM == 0 => return None,
            (None, Some(0)) => return None,
            (_, Some(code)) => code,
            (Some(_), None) => return Some((Cause::Failed, "a problem without a code".to_owned())),
            (None, None) => {
                return Some((Cause::Untold, "no status and no problem code".to_owned()));
            }
        };
        let (cause, words) = problem(code);
        Some((cause, format!("code {code}: {words}")))
    }
}

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// What the codes mean that Windows' device manager shows (Microsoft Learn, "Error codes in Device
/// Manager in Windows").
fn problem(code: u32) -> (Cause, &'static str) {
    match code {
        1 => (Cause::NoDriver, "it is not configured, its driver may be missing"),
        3 => (Cause::Failed, "its driver is broken or the PC is short of memory"),
        10 => (Cause::Failed, "it cannot start"),
        12 => (Cause::Failed, "it finds no free resources"),
        14 => (Cause::Failed, "it waits for a restart of the PC"),
        18 => (Cause::NoDriver, "its driver has to be installed again"),
        19 => (Cause::Failed, "its settings in the registry are broken"),
        22 => (Cause::Disabled, "somebody has disabled it"),
        24 | 45 => (Cause::Unplugged, "it is not connected"),
        28 => (Cause::NoDriver, "its driver is not installed"),
        29 => (Cause::Disabled, "the firmware of the PC has disabled it"),
        31 => (Cause::Failed, "its driver cannot be loaded"),
        32 => (Cause::Disabled, "the service of its driver is disabled"),
        37 => (Cause::Failed, "its driver failed to begin"),
        38 => (Cause::Failed, "its old driver is still in memory, restart the PC"),
        39 => (Cause::NoDriver, "its driver is broken or missing"),
        43 => (Cause::Failed, "it reported a failure and was stopped"),
        44 => (Cause::Failed, "a program or a service has stopped it"),
        47 => (Cause::Disabled, "it was made ready to be unplugged, plug it in again"),
        48 => (Cause::NoDriver, "its driver is blocked, as it is known to do harm"),
        52 => (Cause::NoDriver, "its driver is not signed"),
        _ => (Cause::Failed, "Windows' device manager tells more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Logitech C920 as Windows 10 lists its camera, which is one function of several.
    fn c920() -> Node {
        Node {
            id: r"USB\VID_046D&PID_082D&MI_00\7&2C4F6A1B&0&0000".to_owned(),
            class: "Camera".to_owned(),
            compatible: vec![r"USB\COMPAT_VID_046d&Class_0e".into(), r"USB\Class_0E".into()],
            friendly: "HD Pro Webcam C920".to_owned(),
            description: "USB Video Device".to_owned(),
            maker: "Logitech".to_owned(),
            status: Some(0x0180_200A),
            problem: Some(0),
            ..Node::default()
        }
    }

    #[test]
    fn a_camera_is_known_by_its_class_or_by_what_it_says_of_itself() {
        assert!(c920().is_camera());
        let of = |class: &str, compatible: &str| Node {
            class: class.to_owned(),
            compatible: vec![compatible.to_owned()],
            ..c920()
        };
        for (class, compatible, expected) in [
            ("Image", r"USB\Class_0e&SubClass_03&Prot_00", true),
            ("", r"USB\Class_0E&SubClass_03", true),
            ("Image", r"USB\Class_06&SubClass_01&Prot_01", false),
            ("MEDIA", r"USB\Class_01", false),
            ("Bluetooth", r"USB\Class_e0", false),
        ] {
            assert_eq!(of(class, compatible).is_camera(), expected, "{class} {compatible}");
        }
    }

    #[test]
    fn what_is_plugged_in_is_the_whole_device_and_no_hub() {
        for (id, compatible, expected) in [
            (r"USB\VID_046D&PID_082D\ABC", r"USB\COMPOSITE", true),
            (r"USB\VID_046D&PID_082D&MI_00\7&2C", r"USB\Class_0e", false),
            (r"USB\VID_05E3&PID_0610\6&1", r"USB\Class_09&SubClass_00", false),
            (r"USB\ROOT_HUB30\4&2F", "", false),
            (r"PCI\VEN_8086&DEV_A36D\3&11583659", r"PCI\CC_0C0330", false),
        ] {
            let node =
                Node { id: id.to_owned(), compatible: vec![compatible.to_owned()], ..c920() };
            assert_eq!(node.is_usb_device(), expected, "{id}");
        }
        let plugged = Node { product: "HD Webcam".into(), friendly: String::new(), ..c920() };
        let device = plugged.plugged();
        assert_eq!(device.name, "HD Webcam");
        assert!(device.aliases.contains("Logitech 046d:082d"), "{}", device.aliases);
    }

    #[test]
    fn the_ends_of_sound_are_told_apart_by_their_way() {
        let end = |id: &str| Node { id: id.to_owned(), ..Node::default() };
        let capture = end(r"SWD\MMDEVAPI\{0.0.1.00000000}.{40C28B9D-7584-418F-902F-5EEED8DCF50B}");
        let render = end(r"SWD\MMDEVAPI\{0.0.0.00000000}.{40C28B9D-7584-418F-902F-5EEED8DCF50C}");
        assert!(capture.is_sound(Sound::In) && !capture.is_sound(Sound::Out));
        assert!(render.is_sound(Sound::Out) && !render.is_sound(Sound::In));
        assert!(!c920().is_sound(Sound::In) && !c920().is_plugged_sound());
        for (id, plugged) in
            [(r"USB\VID_0B0E&PID_0420&MI_00\7&2", true), (r"HDAUDIO\FUNC_01&VEN_8086\4&3", false)]
        {
            let node = Node { id: id.to_owned(), class: "MEDIA".to_owned(), ..Node::default() };
            assert_eq!(node.is_plugged_sound(), plugged, "{id}");
        }
    }

    #[test]
    fn what_windows_holds_against_a_device_is_its_trouble() {
        for (status, problem, cause) in [
            (Some(0x0180_200A), Some(0), None),
            (Some(0x0180_200A), None, None),
            (None, Some(0), None),
            (Some(0x0180_2400), Some(43), Some(Cause::Failed)),
            (Some(0x0180_2400), Some(22), Some(Cause::Disabled)),
            (Some(0x0180_2400), Some(28), Some(Cause::NoDriver)),
            (Some(0x0180_2400), Some(45), Some(Cause::Unplugged)),
            (Some(0x0180_2400), Some(9999), Some(Cause::Failed)),
            (Some(0x0180_2400), None, Some(Cause::Failed)),
            (None, Some(10), Some(Cause::Failed)),
            (None, None, Some(Cause::Untold)),
        ] {
            let node = Node { status, problem, ..c920() };
            let found = node.trouble().map(|(cause, _)| cause);
            assert_eq!(found, cause, "{status:?} {problem:?}");
        }
        let failed = Node { status: Some(HAS_PROBLEM), problem: Some(43), ..c920() };
        assert_eq!(failed.device().troubles[0].1, "code 43: it reported a failure and was stopped");
    }

    #[test]
    fn a_device_that_nobody_names_is_known_by_its_place() {
        let bare = Node { id: r"USB\VID_1".to_owned(), ..Node::default() };
        assert_eq!(bare.device().name, r"USB\VID_1");
        assert_eq!(bare.usb_id(), None);
        let odd = Node { id: "ROOT\\VID_0\u{1ED9}\u{1ED9}PID_".to_owned(), ..Node::default() };
        assert_eq!(odd.usb_id(), None);
    }
}
