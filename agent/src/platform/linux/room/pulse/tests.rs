//! Answers as `protocol-native.c` of PulseAudio 16.1 writes them; the real one is asked in the
//! end-to-end tests.

use proptest::prelude::*;

use super::*;

/// One device of a list.
struct Listed {
    name: &'static str,
    description: &'static str,
    muted: bool,
    volume: u32,
    monitored: u32,
    state: u32,
    plugged: u32,
}

const JABRA: Listed = Listed {
    name: "alsa_input.usb-Jabra",
    description: "Jabra SPEAK 510 Mono",
    muted: false,
    volume: 65536,
    monitored: NONE,
    state: 2,
    plugged: 0,
};

impl Listed {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(1);
        out.text(self.name);
        out.text(self.description);
        let mut bytes = out.finish();
        bytes.extend([b'a', 3, 1, 0, 0, 0xBB, 0x80]);
        bytes.extend([b'm', 1, 0]);
        let mut out = Writer::default();
        out.number(7);
        bytes.extend(out.finish());
        bytes.extend(
            [&[b'v', 2], 1_u32.to_be_bytes().as_slice(), &self.volume.to_be_bytes()].concat(),
        );
        bytes.push(if self.muted { b'1' } else { b'0' });
        let mut out = Writer::default();
        out.number(self.monitored);
        out.text("");
        bytes.extend(out.finish());
        bytes.extend([b"U", [0; 8].as_slice()].concat());
        let mut out = Writer::default();
        out.text("module-alsa-card.c");
        out.number(0);
        out.properties(&[("device.vendor.id", "0b0e"), ("device.product.id", "0420")]);
        bytes.extend(out.finish());
        bytes.extend([b"U", [0; 8].as_slice(), b"V", &[0, 1, 0, 0]].concat());
        let mut out = Writer::default();
        for number in [self.state, 65537, 1, 1] {
            out.number(number);
        }
        out.text("analog-input-mic");
        out.text("Microphone");
        out.number(8700);
        out.number(self.plugged);
        out.text("analog-input-mic");
        bytes.extend(out.finish());
        bytes.extend([b'B', 1, b'f', b'B', 1, b'P', b'N']);
        bytes
    }
}

fn read(listed: &[Listed], sound: Sound) -> Vec<SoundDevice> {
    let bytes: Vec<u8> = listed.iter().flat_map(Listed::bytes).collect();
    read_list(&bytes, sound, JABRA.name).unwrap()
}

#[test]
fn a_device_tells_its_controls() {
    let found = read(&[JABRA], Sound::In);
    assert_eq!(found.len(), 1);
    let SoundDevice { device, controls } = &found[0];
    assert_eq!(device.name, "Jabra SPEAK 510 Mono");
    assert!(device.aliases.contains("0b0e:0420"), "{}", device.aliases);
    assert_eq!((device.in_use, device.troubles.as_slice()), (Some(false), [].as_slice()));
    let expected = SoundControls { default: true, muted: false, volume: 1.0 };
    assert_eq!(*controls, Some(expected));
}

#[test]
fn mute_use_and_an_empty_socket_are_seen() {
    let muted = Listed { muted: true, volume: 6554, ..JABRA };
    let other = Listed { name: "other", state: 0, plugged: 1, ..JABRA };
    let found = read(&[muted, other], Sound::In);
    let [muted, other] = [0, 1].map(|at| found[at].controls.unwrap());
    assert!(muted.muted && muted.volume < 0.11 && muted.default);
    assert!(!other.default);
    assert_eq!(found[1].device.in_use, Some(true));
    assert_eq!(found[1].device.troubles, [(Cause::Unplugged, String::new())]);
}

#[test]
fn the_echo_of_a_speaker_is_no_microphone() {
    let monitor = || Listed { monitored: 0, ..JABRA };
    assert_eq!(read(&[monitor(), JABRA], Sound::In).len(), 1);
    assert_eq!(read(&[monitor()], Sound::Out).len(), 1, "a speaker names the source of its echo");
}

#[test]
fn everybody_who_is_signed_in_is_asked_with_the_cookie_of_his_home() {
    let tree = crate::platform::linux::tree::Tree::default();
    tree.file(
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nhop:x:1000:1000:,,,:/home/hop:/bin/sh",
    );
    tree.file("run/user/1000/pulse/native", "");
    tree.file("run/user/1001/other", "");
    let at = tree.root().join("run/user/1000/pulse/native");
    let doors = doors(tree.root());
    let door = doors.iter().find(|door| door.socket == at).unwrap();
    assert_eq!(door.home.as_deref(), Some(Path::new("/home/hop")));
    assert_eq!(cookie(door.home.as_deref()).len(), COOKIE_BYTES);
    assert!(doors.iter().all(|door| !door.socket.to_string_lossy().contains("1001")));
}

#[test]
fn the_default_is_taken_by_direction() {
    let mut out = Writer::default();
    for text in ["pulseaudio", "16.1", "phonghop", "pc"] {
        out.text(text);
    }
    let mut reply = out.finish();
    reply.extend([b'a', 3, 2, 0, 0, 0xAC, 0x44]);
    let mut out = Writer::default();
    out.text("tv");
    out.text("mic");
    reply.extend(out.finish());
    assert_eq!(default_device(&reply, Sound::In).as_deref(), Some("mic"));
    assert_eq!(default_device(&reply, Sound::Out).as_deref(), Some("tv"));
}

#[test]
fn an_answer_that_is_cut_anywhere_is_none() {
    let whole = JABRA.bytes();
    for length in 1..whole.len() {
        assert!(read_list(&whole[..length], Sound::In, "").is_none(), "{length}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..300) {
        let _ = (read_list(&bytes, Sound::In, ""), default_device(&bytes, Sound::Out));
        let mut mangled = JABRA.bytes();
        let at = at.min(mangled.len());
        mangled.splice(at..at, bytes);
        let _ = read_list(&mangled, Sound::In, "");
    }
}

#[test]
fn nothing_like_a_list_of_devices_is_too_strange() {
    let shapes = [JABRA.bytes(), [JABRA.bytes(), JABRA.bytes()].concat()];
    crate::mutations::survives(&shapes, |bytes| {
        (read_list(bytes, Sound::In, JABRA.name), default_device(bytes, Sound::Out))
    });
}
