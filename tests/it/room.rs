//! The room's devices as Linux shows them: coming, going and failing.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tests::program::{Program, binary, finish, mortal, said};
use tests::wait;

/// A configuration with these probes, in a folder of its own.
fn agent(probes: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let text = format!("state_dir: {}\nprobes:\n{probes}", state.display());
    fs::write(folder.path().join("agent.yaml"), text).unwrap();
    folder
}

/// `once` in English of the agent in `folder`.
fn once(folder: &TempDir) -> String {
    let program = binary("nhipcau-agent");
    let config = folder.path().join("agent.yaml");
    format!("{} --config {} --lang en once", program.display(), config.display())
}

/// Runs shell commands where a Logitech C920 is plugged in, whose `/sys` lies in `$UMOCKDEV_DIR`;
/// `None` where umockdev is missing.
fn with_camera(script: &str) -> Option<String> {
    if !Path::new("/usr/bin/umockdev-run").exists() {
        println!("SKIPPED: umockdev is not installed");
        return None;
    }
    let device = Path::new(env!("CARGO_MANIFEST_DIR")).join("devices/logitech-c920.umockdev");
    let mut command = mortal("/usr/bin/umockdev-run");
    command.arg("--device").arg(device).args(["--", "sh", "-c", script]);
    Some(said(&finish(command)))
}

#[test]
fn a_camera_comes_is_used_fails_and_goes() {
    let folder = agent("  camera: { camera: { name: C920 } }\n");
    let look = once(&folder);
    let usb = "$UMOCKDEV_DIR/sys/devices/pci0000:00/0000:00:14.0/usb1/1-3";
    for (change, mark, part) in [
        ("true".to_owned(), "✔", "There is the camera HD Pro Webcam C920"),
        ("true".to_owned(), "✔", "bridge_device_in_use{device=\"HD Pro Webcam C920\"} = 0"),
        (format!("echo 12 >{usb}/speed"), "!", "[slow: 12 Mbit/s]"),
        (
            format!("rm -r $UMOCKDEV_DIR/sys/class/video4linux {usb}/1-3:1.0/driver"),
            "✖",
            "[no_driver: usb 1-3: ",
        ),
        (
            format!("rm -r $UMOCKDEV_DIR/sys/class/video4linux; echo 0 >{usb}/authorized"),
            "✖",
            "[disabled: usb 1-3: authorized is 0]",
        ),
        (
            "rm -r $UMOCKDEV_DIR/sys/class $UMOCKDEV_DIR/sys/bus".to_owned(),
            "✖",
            "C920: there is no such device [absent]",
        ),
    ] {
        let Some(said) = with_camera(&format!("{change}; {look}")) else { return };
        assert!(said.starts_with(mark) && said.contains(part), "after {change}:\n{said}");
    }
}

#[test]
fn a_room_is_learnt_with_the_technicians_word_and_held_to_it() {
    let folder = agent("  pc: { host: {} }   # mine\n");
    let config = folder.path().join("agent.yaml");
    let before = fs::read_to_string(&config).unwrap();
    let program = binary("nhipcau-agent");
    let learn = format!("{} --config {} --lang en learn", program.display(), config.display());
    let Some(said) = with_camera(&format!("echo no | {learn}")) else { return };
    assert!(said.contains("camera: { camera: { name: \"HD Pro Webcam C920\" } }"), "{said}");
    assert!(said.contains("Nothing was written."), "{said}");
    assert_eq!(fs::read_to_string(&config).unwrap(), before);
    let said = with_camera(&format!("echo y | {learn}; {} camera", once(&folder))).unwrap();
    assert!(said.contains("✔ camera (camera): good"), "{said}");
    assert!(fs::read_to_string(&config).unwrap().contains("  pc: { host: {} }   # mine\n"));
    let gone =
        format!("rm -r $UMOCKDEV_DIR/sys/class $UMOCKDEV_DIR/sys/bus; {} camera", once(&folder));
    let said = with_camera(&gone).unwrap();
    assert!(said.contains("HD Pro Webcam C920: there is no such device"), "{said}");
}

/// A PulseAudio of its own, with a microphone and two speakers that are made by software.
struct PulseAudio {
    folder: TempDir,
    _program: Program,
}

impl PulseAudio {
    fn start() -> Option<Self> {
        if !Path::new("/usr/bin/pulseaudio").exists() || !Path::new("/usr/bin/pactl").exists() {
            println!("SKIPPED: pulseaudio is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = mortal("/usr/bin/pulseaudio");
        command.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--disable-shm=yes"]);
        for module in [
            "module-native-protocol-unix",
            "module-null-sink sink_name=tv sink_properties=device.description=TV",
            "module-null-sink sink_name=room sink_properties=device.description=Yamaha",
            "module-virtual-source source_name=mic master=tv.monitor source_properties=device.description=Jabra",
        ] {
            command.args(["--load", module]);
        }
        let program = Program::start("pulseaudio", with_user(command, &folder));
        let pulse = Self { folder, _program: program };
        wait::until("a sound server", || {
            let socket = pulse.folder.path().join("pulse/native");
            UnixStream::connect(socket).map_err(|error| error.to_string())
        });
        for command in ["set-default-source mic", "set-default-sink room"] {
            pulse.control(command);
        }
        Some(pulse)
    }

    fn control(&self, command: &str) {
        let mut pactl = mortal("/usr/bin/pactl");
        pactl.args(command.split(' '));
        let output = finish(with_user(pactl, &self.folder));
        assert!(output.status.success(), "pactl {command}: {}", said(&output));
    }

    fn once(&self, probes: &str) -> String {
        let folder = agent(probes);
        let mut shell = mortal("sh");
        shell.args(["-c", &once(&folder)]);
        said(&finish(with_user(shell, &self.folder)))
    }
}

/// As the user whose home and sockets lie in `folder`.
fn with_user(mut command: Command, folder: &TempDir) -> Command {
    command.env("HOME", folder.path()).env("XDG_RUNTIME_DIR", folder.path());
    command.env_remove("PULSE_COOKIE").env_remove("PULSE_SERVER");
    command
}

#[test]
fn mute_volume_and_the_default_device_are_what_the_sound_server_says() {
    let Some(pulse) = PulseAudio::start() else { return };
    let microphone = "  mic: { microphone: { name: Jabra } }\n";
    let speaker = "  speaker: { speaker: { name: yamaha } }\n";
    for (control, probe, mark, part) in [
        ("info", microphone, "✔", "There is the microphone Jabra"),
        ("info", speaker, "✔", "Yamaha: volume 100 %."),
        ("set-source-mute mic 1", microphone, "✖", "Jabra: it is muted [muted]"),
        ("set-source-mute mic 0", microphone, "✔", "There is the microphone Jabra"),
        ("set-sink-volume room 10%", speaker, "!", "[quiet: 10 %]"),
        ("set-sink-volume room 0", speaker, "✖", "[silent: 0 %]"),
        ("set-sink-volume room 80%", speaker, "✔", "Yamaha: volume 80 %."),
        ("set-default-sink tv", speaker, "!", "[not_default: programs get TV]"),
    ] {
        pulse.control(control);
        let said = pulse.once(probe);
        assert!(said.starts_with(mark) && said.contains(part), "after {control}:\n{said}");
    }
}
