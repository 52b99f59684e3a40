use wire::Cause;

use super::super::consent::Use;
use super::super::{Device, SoundControls};
use super::*;

fn body(frame: &[u8]) -> &[u8] {
    let (header, body) = frame.split_first_chunk().unwrap();
    assert_eq!(length(*header).unwrap(), body.len());
    body
}

/// What comes out at the service of what a helper tells.
fn passed_on(about: Topic, told: Told) -> Told {
    let asked = Question::new(7, about);
    let heard = question(body(&super::asked(&asked).unwrap())).unwrap();
    assert_eq!(heard, asked);
    answered(body(&answer(&heard, Some(told)).unwrap()), &asked).unwrap().unwrap()
}

fn jabra() -> SoundDevice {
    SoundDevice {
        device: Device {
            name: "Micrô (Jabra SPEAK 510 USB)".to_owned(),
            aliases: "{0.0.1.00000000}.{40c28b9d}".to_owned(),
            troubles: vec![(Cause::Unplugged, "rút".to_owned())],
            ..Device::default()
        },
        controls: Some(SoundControls { default: true, muted: true, volume: 0.5 }),
    }
}

#[test]
fn what_the_user_hears_and_sees_arrives_as_it_was_told() {
    for (about, told) in [
        (Topic::of(Sound::In), Told::Sounds(vec![jabra()])),
        (Topic::of(Sound::Out), Told::Sounds(vec![])),
        (
            Topic::Displays,
            Told::Displays(vec![Target {
                path: r"\\?\DISPLAY#GSM#1#{e6}".to_owned(),
                name: "LG".to_owned(),
                picture: Some((1, 0)),
            }]),
        ),
        (
            Topic::CameraConsent,
            Told::Consent(Consent {
                users: vec![[Some("Deny".to_owned()), None]],
                uses: vec![Use { program: "zoom".to_owned(), start: 5, stop: Some(0) }],
                ..Consent::default()
            }),
        ),
    ] {
        assert_eq!(passed_on(about, told.clone()), told);
    }
}

#[test]
fn a_helper_without_an_answer_says_so() {
    let question = Question::new(1, Topic::Displays);
    let frame = answer(&question, None).unwrap();
    assert_eq!(answered(body(&frame), &question).unwrap(), None);
}

#[test]
fn a_question_of_a_newer_service_is_heard_and_not_understood() {
    let newer = br#"{"version":1,"number":3,"about":"lighting","more":true}"#;
    assert_eq!(question(newer).unwrap().about, Topic::Unknown);
    question(br#"{"version":2,"number":3,"about":"displays"}"#).unwrap_err();
}

#[test]
fn an_answer_that_is_none_is_refused() {
    let question = Question::new(9, Topic::Speakers);
    for bytes in [
        "",
        "null",
        "[[[[",
        r#"{"version":1,"number":8,"told":null}"#,
        r#"{"version":2,"number":9,"told":null}"#,
        r#"{"version":1,"number":9,"told":{"displays":[]}}"#,
        r#"{"version":1,"number":9,"told":{"sounds":[{"device":{"name":7}}]}}"#,
        r#"{"version":1,"number":9,"told":{"sounds":[{"device":{},"controls":{"volume":1e999}}]}}"#,
        "\u{7f}\0",
    ] {
        assert!(answered(bytes.as_bytes(), &question).is_err(), "{bytes:?}");
    }
    assert_eq!(
        answered(br#"{"version":1,"number":9,"told":null}"#, &question).unwrap(),
        None,
        "the same bytes are one where they fit"
    );
}

#[test]
fn a_length_that_nobody_needs_is_refused_before_anything_is_read() {
    for (header, expected) in [
        ([0, 0, 0, 0], None),
        ([1, 0, 0, 0], Some(1)),
        ([0, 0, 1, 0], Some(64 * 1024)),
        ([1, 0, 1, 0], None),
        ([255, 255, 255, 255], None),
    ] {
        assert_eq!(length(header).ok(), expected, "{header:?}");
    }
}

#[test]
fn a_flood_is_cut_and_what_a_terminal_obeys_is_left_out() {
    let mut wild = jabra();
    wild.device.name = format!("\u{1b}[31m{}", "x".repeat(1000));
    wild.device.troubles = vec![(Cause::Failed, "\n".to_owned()); 100];
    wild.controls = Some(SoundControls { default: true, muted: false, volume: 1e300 });
    let Told::Sounds(found) = bounded(Told::Sounds(vec![wild; 1000])) else {
        panic!("sounds stay sounds")
    };
    assert_eq!(found.len(), DEVICES);
    assert_eq!(found[0].device.name.chars().count(), TEXT_CHARS);
    assert!(found[0].device.name.starts_with("[31mx"));
    assert_eq!(found[0].device.troubles, vec![(Cause::Failed, String::new()); TROUBLES]);
    assert!(found[0].controls.unwrap().volume <= LOUDEST);
}

#[test]
fn a_user_speaks_for_nobody_else() {
    let used = |stop| Use { program: "zoom".to_owned(), start: 1, stop };
    let word = || [Some("Deny".to_owned()), None];
    let told = Consent {
        policy: Some(2),
        machine: Some("Deny".to_owned()),
        users: vec![word(), word()],
        uses: vec![used(Some(5)), used(Some(6)), used(Some(0))],
    };
    let expected = Consent {
        policy: None,
        machine: None,
        users: vec![word()],
        uses: vec![used(Some(0)), used(Some(5))],
    };
    assert_eq!(passed_on(Topic::MicrophoneConsent, Told::Consent(told)), Told::Consent(expected));
}

#[test]
fn who_sits_at_the_screen_is_asked_and_nobody_instead() {
    assert_eq!(chosen(&[2, 3], 3), Some(1));
    assert_eq!(chosen(&[2], 1), None);
    // `WTSGetActiveConsoleSessionId`: none, while users are switched.
    assert_eq!(chosen(&[2], u32::MAX), None);
    assert_eq!(chosen(&[], 1), None);
}

#[test]
fn no_message_of_the_other_end_is_too_strange() {
    let asked = Question::new(9, Topic::Speakers);
    let good = answer(&asked, Some(Told::Sounds(vec![jabra()]))).unwrap();
    let asks = super::asked(&asked).unwrap();
    crate::mutations::survives(&[body(&good), body(&asks)], |bytes| {
        (answered(bytes, &asked).ok(), question(bytes).ok())
    });
}
