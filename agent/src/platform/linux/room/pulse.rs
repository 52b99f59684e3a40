//! Mute, volume and default device from the signed-in user's sound server: PulseAudio, or
//! PipeWire, which speaks the same protocol.
//!
//! Spoken directly: a `pactl` for every look would cost more than all other probes together.

mod tags;

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wire::Cause;

use self::tags::{Tags, Writer};
use crate::platform::{Device, Sound, SoundControls, SoundDevice};

/// A server answers at once or hangs; there are few to ask.
const PATIENCE: Duration = Duration::from_secs(1);

/// Users signed in at one PC whose servers are asked.
const SERVERS: usize = 4;

/// A list of devices takes some kilobytes.
const FRAME_BYTES: usize = 256 * 1024;

/// PulseAudio 2.0 of 2012: the first that tells whether something is plugged in.
const VERSION: u32 = 24;

/// The length of the cookie that proves the same user (`PA_NATIVE_COOKIE_LENGTH`).
const COOKIE_BYTES: usize = 256;

/// Full volume (`PA_VOLUME_NORM`).
const FULL: f64 = 65536.0;

/// Of frames that are no sound (`PA_NATIVE`'s control channel).
const CONTROL: u32 = u32::MAX;

/// No index, no such thing (`PA_INVALID_INDEX`).
const NONE: u32 = u32::MAX;

/// Commands of `pulsecore/native-common.h`.
#[derive(Debug, Clone, Copy)]
enum Command {
    Reply = 2,
    Auth = 8,
    SetClientName = 9,
    GetServerInfo = 20,
    GetSinkInfoList = 22,
    GetSourceInfoList = 24,
}

/// The devices the first server that answers tells of; `None` where none does.
pub(super) fn devices(root: &Path, sound: Sound) -> Option<Vec<SoundDevice>> {
    let doors = doors(root);
    doors.iter().take(SERVERS).find_map(|door| ask(door, sound).ok())
}

/// Where a server listens, and the home of its user.
struct Door {
    socket: PathBuf,
    home: Option<PathBuf>,
}

/// Servers of this program's own user, then of everybody who is signed in.
fn doors(root: &Path) -> Vec<Door> {
    let folder = |name| env::var_os(name).map(PathBuf::from);
    let own = folder("XDG_RUNTIME_DIR").map(|runtime| (runtime, folder("HOME")));
    let entries = std::fs::read_dir(root.join("run/user")).into_iter().flatten().flatten();
    let others = entries.map(|entry| {
        let user = entry.file_name().to_str().and_then(|name| name.parse().ok());
        (entry.path(), user.and_then(|user| home(root, user)))
    });
    let all = own.into_iter().chain(others);
    let doors = all.map(|(runtime, home)| Door { socket: runtime.join("pulse/native"), home });
    doors.filter(|door| door.socket.exists()).collect()
}

fn ask(door: &Door, sound: Sound) -> io::Result<Vec<SoundDevice>> {
    let mut server = Server::connect(&door.socket)?;
    let cookie = cookie(door.home.as_deref());
    let reply = server.call(Command::Auth, |question| {
        question.number(VERSION);
        question.bytes(&cookie);
    })?;
    let version = Tags::new(&reply).number().ok_or_else(strange)? & 0xFFFF;
    if version < VERSION {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "an old sound server"));
    }
    server.call(Command::SetClientName, |question| {
        question.properties(&[("application.name", "nhipcau-agent")]);
    })?;
    let info = server.call(Command::GetServerInfo, |_| {})?;
    let default = default_device(&info, sound).ok_or_else(strange)?;
    let list = match sound {
        Sound::In => Command::GetSourceInfoList,
        Sound::Out => Command::GetSinkInfoList,
    };
    let list = server.call(list, |_| {})?;
    read_list(&list, sound, &default).ok_or_else(strange)
}

/// What was received is no answer of this protocol.
fn strange() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an answer that makes no sense")
}

/// What proves to PulseAudio that a friend of its user asks. PipeWire wants none, so a cookie that
/// cannot be read is nothing.
fn cookie(home: Option<&Path>) -> Vec<u8> {
    let file = home.map(|home| home.join(".config/pulse/cookie"));
    let mut cookie = file.and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
    cookie.resize(COOKIE_BYTES, 0);
    cookie
}

/// passwd(5)
fn home(root: &Path, user: u32) -> Option<PathBuf> {
    let users = super::super::read(root, "etc/passwd").ok()?;
    let home = users.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        (fields.next()?.parse() == Ok(user)).then(|| fields.nth(2))?
    })?;
    Some(PathBuf::from(home))
}

/// A connection.
struct Server {
    stream: UnixStream,
    tag: u32,
}

impl Server {
    fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, tag: 0 })
    }

    /// Sends a command and returns what its reply carries.
    fn call(&mut self, command: Command, fill: impl FnOnce(&mut Writer)) -> io::Result<Vec<u8>> {
        self.tag += 1;
        let mut question = Writer::default();
        question.number(command as u32);
        question.number(self.tag);
        fill(&mut question);
        let body = question.finish();
        let length = u32::try_from(body.len()).map_err(|_| strange())?;
        // Length, channel, an offset of 64 bits and flags, none of which a command needs.
        let head = [length, CONTROL, 0, 0, 0].map(u32::to_be_bytes).concat();
        self.stream.write_all(&[head, body].concat())?;
        loop {
            let frame = self.frame()?;
            let mut tags = Tags::new(&frame);
            let (kind, tag) = (tags.number(), tags.number());
            // Events come in between.
            if tag == Some(self.tag) {
                return match kind {
                    Some(kind) if kind == Command::Reply as u32 => Ok(tags.rest().to_vec()),
                    _ => Err(io::ErrorKind::PermissionDenied.into()),
                };
            }
        }
    }

    fn frame(&mut self) -> io::Result<Vec<u8>> {
        let mut head = [0; 20];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > FRAME_BYTES {
            return Err(strange());
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}

/// The reply to `GetServerInfo`: program, version, user, host, sample format, default sink,
/// default source.
fn default_device(reply: &[u8], sound: Sound) -> Option<String> {
    let mut tags = Tags::new(reply);
    for _ in 0..4 {
        tags.text()?;
    }
    tags.skip()?;
    let (sink, source) = (tags.text()?, tags.text()?);
    Some(if sound == Sound::In { source } else { sink })
}

/// The reply to a list: device after device, in the order of `protocol-native.c`.
fn read_list(reply: &[u8], sound: Sound, default: &str) -> Option<Vec<SoundDevice>> {
    let mut tags = Tags::new(reply);
    let mut devices = Vec::new();
    while !tags.is_empty() {
        let (device, monitors) = read_device(&mut tags, default)?;
        // The echo of a speaker is no microphone. A speaker names the source of its echo here.
        if sound == Sound::Out || !monitors {
            devices.push(device);
        }
    }
    Some(devices)
}

/// One device, and whether it names another one that it monitors.
fn read_device(tags: &mut Tags<'_>, default: &str) -> Option<(SoundDevice, bool)> {
    tags.number()?;
    let name = tags.text()?;
    let description = tags.text()?;
    // Sample format, channels, module.
    tags.skip()?;
    tags.skip()?;
    tags.number()?;
    let volume = tags.volumes()?;
    let muted = tags.flag()?;
    let monitored = tags.number()?;
    tags.text()?;
    // Latency, driver, flags.
    tags.skip()?;
    tags.text()?;
    tags.number()?;
    let properties = tags.properties()?;
    // Requested latency, base volume.
    tags.skip()?;
    tags.skip()?;
    let state = tags.number()?;
    // Steps of volume, card.
    tags.number()?;
    tags.number()?;
    let unplugged = unplugged(tags)?;
    for _ in 0..tags.byte()? {
        tags.skip()?;
    }
    let known = |key: &str| {
        let found = properties.iter().find(|(name, _)| name == key);
        found.map_or("", |(_, value)| value.as_str())
    };
    let product = known("device.product.name");
    let (vendor, model) = (known("device.vendor.id"), known("device.product.id"));
    let id = [vendor, model].map(|id| id.trim_start_matches("0x")).join(":");
    let id = id.trim_matches(':');
    let aliases = format!("{product} {} {id} {name}", known("device.vendor.name"));
    let troubles = unplugged.then(|| (Cause::Unplugged, String::new())).into_iter().collect();
    let device = Device {
        name: if description.is_empty() { name.clone() } else { description },
        aliases: aliases.split_whitespace().collect::<Vec<_>>().join(" "),
        troubles,
        // PA_SINK_RUNNING and PA_SOURCE_RUNNING.
        in_use: Some(state == 0),
        user: None,
    };
    let controls =
        SoundControls { default: name == default, muted, volume: f64::from(volume) / FULL };
    Some((SoundDevice { device, controls: Some(controls) }, monitored != NONE))
}

/// Reads the sockets of a device; whether nothing is plugged into the one in use.
fn unplugged(tags: &mut Tags<'_>) -> Option<bool> {
    /// `PA_PORT_AVAILABLE_NO`.
    const EMPTY: u32 = 1;
    let mut empty = Vec::new();
    for _ in 0..tags.number()? {
        let name = tags.text()?;
        tags.text()?;
        tags.number()?;
        if tags.number()? == EMPTY {
            empty.push(name);
        }
    }
    let active = tags.text()?;
    Some(!active.is_empty() && empty.contains(&active))
}

#[cfg(test)]
mod tests;
