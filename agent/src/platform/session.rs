//! What the agent's service and its helper in the session of whoever sits at the PC say to each
//! other under Windows: a service has a session of its own, in which it sees neither the default
//! sound devices nor the displays. Pure.
//!
//! The service asks one question at a time, and the helper answers it. Each is a frame: the length
//! of what follows in four bytes, little-endian, and that many bytes of JSON. The helper is any
//! program of any user for all that the service knows, so what it says is bounded before it is
//! believed.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::limits::TEXT_CHARS;

use super::arrangement::Target;
use super::consent::Consent;
use super::{Sound, SoundDevice};

/// The one language that both speak so far. An agent that was replaced may meet a helper that was
/// started before.
const VERSION: u32 = 1;

/// Some hundred times what a room's PC has to tell.
const FRAME_BYTES: usize = 64 * 1024;

/// As many devices of a kind as are listed; a room has a handful.
const DEVICES: usize = 64;

/// Troubles of a device, of which Windows tells one.
const TROUBLES: usize = 4;

/// Programs that use a camera or a microphone.
const USES: usize = 64;

/// Louder than any system amplifies.
const LOUDEST: f64 = 10.0;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Topic {
    /// The ends of sound that programs get it from.
    Microphones,
    /// Those that programs give it to.
    Speakers,
    /// Which displays get which picture.
    Displays,
    /// Who may use the camera, and who does.
    CameraConsent,
    /// The same for the microphone.
    MicrophoneConsent,
    /// A question of a newer service.
    #[serde(other)]
    Unknown,
}

impl Topic {
    pub(super) fn of(sound: Sound) -> Self {
        match sound {
            Sound::In => Self::Microphones,
            Sound::Out => Self::Speakers,
        }
    }
}

/// A question of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    version: u32,
    /// Another one for each question, so that an answer that comes late is not taken for the next.
    number: u32,
    pub(super) about: Topic,
}

impl Question {
    pub(super) fn new(number: u32, about: Topic) -> Self {
        Self { version: VERSION, number, about }
    }
}

/// What a helper tells of a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// Microphones or speakers, as they were asked for.
    Sounds(Vec<SoundDevice>),
    Displays(Vec<Target>),
    /// Of the user alone.
    Consent(Consent),
}

/// An answer of the helper.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    version: u32,
    number: u32,
    /// `None` where Windows does not tell, or the question is of a newer service.
    told: Option<Told>,
}

/// The frame of a question.
pub(super) fn asked(question: &Question) -> io::Result<Vec<u8>> {
    framed(question)
}

/// The question in the bytes of a frame.
pub(super) fn question(bytes: &[u8]) -> io::Result<Question> {
    let question: Question = read(bytes)?;
    if question.version == VERSION { Ok(question) } else { Err(foreign("another version")) }
}

/// The frame of an answer.
pub(super) fn answer(question: &Question, told: Option<Told>) -> io::Result<Vec<u8>> {
    let told = told.map(bounded);
    framed(&Answer { version: VERSION, number: question.number, told })
}

/// What the bytes of a frame answer to a question, within bounds.
pub(super) fn answered(bytes: &[u8], question: &Question) -> io::Result<Option<Told>> {
    let answer: Answer = read(bytes)?;
    if answer.version != VERSION || answer.number != question.number {
        return Err(foreign("the answer to another question"));
    }
    let fits = |told: &Told| {
        matches!(
            (question.about, told),
            (Topic::Microphones | Topic::Speakers, Told::Sounds(_))
                | (Topic::Displays, Told::Displays(_))
                | (Topic::CameraConsent | Topic::MicrophoneConsent, Told::Consent(_))
        )
    };
    match answer.told {
        Some(told) if !fits(&told) => Err(foreign("an answer that does not fit its question")),
        told => Ok(told.map(bounded)),
    }
}

/// How long a frame is, by its first four bytes.
pub(super) fn length(header: [u8; 4]) -> io::Result<usize> {
    usize::try_from(u32::from_le_bytes(header))
        .ok()
        .filter(|length| (1..=FRAME_BYTES).contains(length))
        .ok_or_else(|| foreign("a frame of a length that is not allowed"))
}

/// Which of the helpers' sessions is asked: that of whoever sits at the PC's own screen. Others who
/// are signed in, from afar or behind a switch of users, see other devices.
pub(super) fn chosen(sessions: &[u32], at_the_screen: u32) -> Option<usize> {
    sessions.iter().position(|session| *session == at_the_screen)
}

fn framed(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut frame = length.to_le_bytes().to_vec();
    self::length(length.to_le_bytes())?;
    frame.extend(body);
    Ok(frame)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| foreign(&error.to_string()))
}

fn foreign(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the other end of the session pipe: {what}"))
}

/// What was told, as far as anybody could want to hear it.
fn bounded(told: Told) -> Told {
    match told {
        Told::Sounds(mut sounds) => {
            sounds.truncate(DEVICES);
            Told::Sounds(sounds.into_iter().map(sound).collect())
        }
        Told::Displays(mut targets) => {
            targets.truncate(DEVICES);
            Told::Displays(targets.into_iter().map(target).collect())
        }
        Told::Consent(consent) => Told::Consent(user(consent)),
    }
}

fn sound(mut sound: SoundDevice) -> SoundDevice {
    let device = &mut sound.device;
    device.name = text(&device.name);
    device.aliases = text(&device.aliases);
    device.user = device.user.as_deref().map(text);
    device.troubles.truncate(TROUBLES);
    for (_, detail) in &mut device.troubles {
        *detail = text(detail);
    }
    if let Some(controls) = &mut sound.controls {
        controls.volume = controls.volume.clamp(0.0, LOUDEST);
    }
    sound
}

fn target(mut target: Target) -> Target {
    target.path = text(&target.path);
    target.name = text(&target.name);
    target
}

/// A user's word on the settings of that user alone. Uses that are over say only that there are
/// such notes, for which one is enough.
fn user(consent: Consent) -> Consent {
    let (goes_on, over): (Vec<_>, Vec<_>) =
        consent.uses.into_iter().partition(|one| one.stop == Some(0));
    let mut uses: Vec<_> = goes_on.into_iter().chain(over.into_iter().take(1)).collect();
    uses.truncate(USES);
    for one in &mut uses {
        one.program = text(&one.program);
    }
    let users = consent.users.into_iter().take(1);
    let users = users.map(|words| words.map(|word| word.as_deref().map(text))).collect();
    Consent { policy: None, machine: None, users, uses }
}

/// As long as a text may be in a report, and nothing in it that a terminal would obey.
fn text(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(TEXT_CHARS).collect()
}

#[cfg(test)]
#[path = "session/tests.rs"]
mod tests;
