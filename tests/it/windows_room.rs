//! The room's devices as Windows lists them, under Wine with a registry that is made up: what Plug
//! and Play and the privacy settings say is the registry's, and Wine reads it as Windows does.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tests::collector::{Collector, inventory};
use tests::program::{Program, mortal};
use tests::wait;
use tests::wine::Pc;

const ENUM: &str = r"HKEY_LOCAL_MACHINE\System\CurrentControlSet\Enum";
const STORE: &str =
    r"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore";

const SITE: &str = "th-0001";

/// `DEVPKEY_Device_DevNodeStatus` of a device that works, and of one that has a problem.
const WORKS: u32 = 0x0180_200A;
const HAS_PROBLEM: u32 = 0x0180_2400;

/// A file for `regedit`.
struct Registry(String);

impl Registry {
    fn new() -> Self {
        Self("Windows Registry Editor Version 5.00\n\n".to_owned())
    }

    /// Values of a key, as the file has them: `"Value"="Deny"`.
    fn key(mut self, key: &str, values: &[&str]) -> Self {
        writeln!(self.0, "[{key}]\n{}\n", values.join("\n")).unwrap();
        self
    }

    /// A device: its place, its class, its name, its ids by class, its status and problem code.
    fn device(
        self,
        id: &str,
        [class, name, compatible]: [&str; 3],
        (status, code): (u32, u32),
    ) -> Self {
        let key = format!(r"{ENUM}\{id}");
        let text = |name: &str, value: &str| format!("\"{name}\"=\"{value}\"");
        let list: Vec<String> = compatible.encode_utf16().chain([0, 0]).map(bytes_of).collect();
        let compatible = format!("\"CompatibleIDs\"=hex(7):{}", list.join(","));
        // Wine lists what has a class; which one it is by its number does not matter here.
        let number = text("ClassGUID", "{ca3e7ab9-b4c3-4ae6-8251-579ef933890f}");
        let [class, name, maker] =
            [text("Class", class), text("FriendlyName", name), text("Mfg", "Logitech")];
        let values = [number, class, name, maker, compatible];
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let property = |pid: u32, value: u32| {
            let bytes: Vec<_> = value.to_le_bytes().iter().map(|b| format!("{b:02x}")).collect();
            (
                format!(r"{key}\Properties\{{4340a6c5-93fa-4706-972c-7b648008a5a7}}\{pid:04X}"),
                // DEVPROP_TYPE_UINT32
                format!("@=hex(ffff0007):{}", bytes.join(",")),
            )
        };
        let (status, code) = (property(2, status), property(3, code));
        self.key(&key, &values).key(&status.0, &[&status.1]).key(&code.0, &[&code.1])
    }

    fn camera(self, states: (u32, u32)) -> Self {
        let id = r"USB\VID_046D&PID_082D&MI_00\7&2C4F6A1B&0&0000";
        self.device(id, ["Camera", "Camera Logitech phòng họp", r"USB\Class_0e"], states)
    }

    /// Puts it into the registry of a PC.
    fn into(self, pc: &Pc) {
        let text: Vec<u8> = format!("\u{feff}{}", self.0.replace('\n', "\r\n"))
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        fs::write(pc.path("room.reg"), text).unwrap();
        let done = pc.run_program("regedit", &["/S", r"C:\room.reg"]);
        assert!(done.status.success(), "{}", done.said);
    }
}

fn bytes_of(unit: u16) -> String {
    let [low, high] = unit.to_le_bytes();
    format!("{low:02x},{high:02x}")
}

/// What `once` says of this probe.
fn look(pc: &Pc, probe: &str) -> String {
    pc.configure(&format!("probes: {{ room: {probe} }}\n"));
    pc.agent(&["once", "room"]).said
}

#[test]
fn a_camera_on_windows_works_is_used_fails_is_withheld_and_goes() {
    let Some(pc) = Pc::new() else { return };
    let probe = "{ camera: { name: 046d:082d } }";
    assert!(look(&pc, probe).contains("[absent]"), "{}", look(&pc, probe));

    Registry::new().camera((WORKS, 0)).into(&pc);
    let said = look(&pc, probe);
    assert!(said.starts_with('✔') && said.contains("Camera Logitech phòng họp"), "{said}");

    // Somebody has used it and stopped; this very program uses it, since the end of all time.
    let user = r"HKEY_CURRENT_USER";
    let used = |stop: &str| {
        let program = format!(r"{user}\{STORE}\webcam\NonPackaged\C:#Họp#nhipcau-agent.exe");
        let values = [
            "\"LastUsedTimeStart\"=hex(b):00,00,00,00,00,00,00,7f".to_owned(),
            format!("\"LastUsedTimeStop\"=hex(b):{stop}"),
        ];
        let values = values.each_ref().map(String::as_str);
        Registry::new().key(&program, &values).into(&pc);
        look(&pc, probe)
    };
    let said = used("01,00,00,00,00,00,00,7f");
    assert!(said.contains("is not in use"), "{said}");
    let said = used("00,00,00,00,00,00,00,00");
    assert!(said.contains("is in use (nhipcau-agent.exe)"), "{said}");

    for (code, part) in [
        (43, "[failed: code 43: it reported a failure and was stopped]"),
        (22, "[disabled: code 22: "),
        (28, "[no_driver: code 28: "),
    ] {
        Registry::new().camera((HAS_PROBLEM, code)).into(&pc);
        let said = look(&pc, probe);
        assert!(said.starts_with('✖') && said.contains(part), "{said}");
    }

    Registry::new()
        .camera((WORKS, 0))
        .key(&format!(r"{user}\{STORE}\webcam"), &["\"Value\"=\"Deny\""])
        .into(&pc);
    let said = look(&pc, probe);
    assert!(said.contains("[privacy_switch: the user's privacy setting]"), "{said}");
}

#[test]
fn what_is_plugged_into_windows_is_found_by_its_name_and_hubs_are_not() {
    let Some(pc) = Pc::new() else { return };
    Registry::new()
        .camera((WORKS, 0))
        .device(
            r"USB\VID_0B0E&PID_0420\A1B2",
            ["MEDIA", "Jabra SPEAK 510 USB", r"USB\COMPOSITE"],
            (HAS_PROBLEM, 10),
        )
        .device(
            r"USB\VID_05E3&PID_0610\6&1",
            ["USB", "Generic USB Hub", r"USB\Class_09"],
            (WORKS, 0),
        )
        .into(&pc);
    let said = look(&pc, "{ usb: { name: 0b0e:0420 } }");
    assert!(said.contains("Jabra SPEAK 510 USB: it does not start [failed: code 10: "), "{said}");
    let said = look(&pc, "{ usb: { name: Hub } }");
    assert!(said.contains("[absent: there is only Jabra SPEAK 510 USB]"), "{said}");
    // Its microphone is not there, and this is why.
    let said = look(&pc, "{ microphone: { name: Jabra } }");
    assert!(said.contains("Jabra SPEAK 510 USB: it does not start"), "{said}");
}

#[test]
fn a_display_on_windows_is_known_by_what_it_says_of_itself() {
    let Some(pc) = Pc::new() else { return };
    let id = r"DISPLAY\GSM0F9A\5&2A&0&UID4352";
    let mut edid = [0_u8; 128];
    edid[..10].copy_from_slice(&[0, 255, 255, 255, 255, 255, 255, 0, 0x1E, 0x6D]);
    edid[75] = 0xFC;
    edid[77..90].copy_from_slice(b"LG TV SSCR2\n ");
    edid[127] = edid.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
    let edid: Vec<_> = edid.iter().map(|byte| format!("{byte:02x}")).collect();
    Registry::new()
        .device(id, ["Monitor", "Generic PnP Monitor", r"*PNP09FF"], (WORKS, 0))
        .key(
            &format!(r"{ENUM}\{id}\Device Parameters"),
            &[&format!("\"EDID\"=hex:{}", edid.join(","))],
        )
        .into(&pc);
    let said = look(&pc, "{ display: { name: GSM } }");
    assert!(said.starts_with('✔') && said.contains("There is the display LG TV SSCR2"), "{said}");
}

/// A sound server with a speaker and a microphone, for as long as this lives; `None`, aloud, where
/// there is no such server.
fn sound_of(pc: &mut Pc) -> Option<(TempDir, Program)> {
    if !Path::new("/usr/bin/pulseaudio").exists() {
        println!("SKIPPED: pulseaudio is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("native");
    let mut command = mortal("/usr/bin/pulseaudio");
    command.env("HOME", folder.path()).env("XDG_RUNTIME_DIR", folder.path());
    command.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--disable-shm=yes"]);
    for module in [
        &format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()),
        "module-null-sink sink_name=room sink_properties=device.description=Yamaha",
        "module-virtual-source source_name=mic master=room.monitor source_properties=device.description=Jabra",
    ] {
        command.arg("-L").arg(module);
    }
    let server = Program::start("pulseaudio", command);
    wait::until("a sound server", || {
        std::os::unix::net::UnixStream::connect(&socket).map_err(|error| error.to_string())
    });
    pc.set("PULSE_SERVER", &format!("unix:{}", socket.display()));
    Some((folder, server))
}

/// Wine's sound is PulseAudio's, whose mute it does not tell: names, defaults and what comes and
/// goes are real here, the rest is for a real PC to show.
#[test]
fn microphones_and_speakers_on_windows_are_told_with_their_volume_and_which_is_the_default() {
    let Some(mut pc) = Pc::new() else { return };
    let Some(_sound) = sound_of(&mut pc) else { return };
    let said = look(&pc, "{ speaker: { name: Yamaha } }");
    assert!(said.contains("Yamaha: volume 100 %."), "{said}");
    // Wine puts an end of its own before them, which is the default.
    assert!(said.contains("[not_default: programs get "), "{said}");
    let said = look(&pc, "{ microphone: { name: Jabra } }");
    assert!(said.contains("There is the microphone Jabra"), "{said}");
    let store = format!(r"HKEY_LOCAL_MACHINE\{STORE}\microphone");
    Registry::new().key(&store, &["\"Value\"=\"Deny\""]).into(&pc);
    let said = look(&pc, "{ microphone: { name: Jabra } }");
    assert!(said.contains("[privacy_switch: the PC's privacy setting]"), "{said}");
}

/// The service asks the helper in the session of whoever sits at the PC, through the pipe; without
/// one it says what is missing.
#[test]
fn the_service_on_windows_hears_of_sound_from_whoever_is_signed_in() {
    let Some(mut pc) = Pc::new() else { return };
    let Some(_sound) = sound_of(&mut pc) else { return };
    pc.stay_on();
    let end = r"SWD\MMDEVAPI\{0.0.0.00000000}.{40C28B9D-7584-418F-902F-5EEED8DCF50C}";
    Registry::new()
        .device(end, ["AudioEndpoint", "Loa Yamaha", "GenericAudio"], (WORKS, 0))
        .into(&pc);
    let collector = Collector::start(&inventory(&[SITE]));
    pc.configure("report_every: 5s\nprobes: { loa: { every: 1s, speaker: { name: Yamaha } } }\n");
    assert!(!pc.agent(&["session"]).status.success(), "without a service it is of no use");
    for order in ["install", "start"] {
        let done = pc.agent(&["service", order]);
        assert!(done.status.success(), "{}", done.said);
    }
    pc.enrol(&collector.code(SITE));
    let trouble = |reason: &str| {
        let labels = [("site", SITE), ("probe", "loa"), ("reason", reason)];
        collector.wait_for("bridge_device_trouble", &labels, |there| there > 0.0)
    };
    trouble("nobody_signed_in");
    // Wine puts an end of its own before the speaker, which is the default: nobody but the session
    // could know.
    let mut helper = pc.sign_in();
    trouble("not_default");
    assert!(helper.runs());
    helper.kill();
    trouble("nobody_signed_in");
    let mut helper = pc.sign_in();
    trouble("not_default");
    let gone = pc.agent(&["service", "uninstall"]);
    assert!(gone.status.success() && !gone.said.contains("still runs"), "{}", gone.said);
    wait::until("the end of the helper", || wait::seen(!helper.runs(), || helper.said()));
}
