//! What an answer means. Pure, and it distrusts the answer.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use wire::Answer;
use wire::enrolment::Dismissal;

use super::Cause;

/// An answer as it came: nothing of it has been believed yet.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) status: u16,
    /// The header `Retry-After`.
    pub(super) retry_after: Option<String>,
    /// The header `Date`.
    pub(super) date: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What it means for the reports that were sent.
#[derive(Debug, PartialEq)]
pub(super) enum Class {
    /// Each report is settled by itself.
    Answered(Answer),
    /// The whole batch is refused for good: one of its reports is poison.
    RefusedForGood,
    /// Nothing is settled; try again, not before the given time if there is one.
    Retry(Cause, Option<Duration>),
    /// The collector does not know this agent, or not any more.
    Credential,
    /// Another PC is the site now.
    Replaced(Dismissal),
}

/// Reads an answer.
pub(super) fn classify(raw: &Raw) -> Class {
    match raw.status {
        200 => match serde_json::from_slice(&raw.body) {
            Ok(answer) => Class::Answered(answer),
            Err(_) => Class::Retry(Cause::Answer, None),
        },
        400 | 413 | 422 => Class::RefusedForGood,
        401 | 403 => match serde_json::from_slice(&raw.body) {
            Ok(dismissal) => Class::Replaced(dismissal),
            Err(_) => Class::Credential,
        },
        409 => Class::Retry(Cause::Cloned, retry_after(raw)),
        429 | 503 => Class::Retry(Cause::Busy, retry_after(raw)),
        500.. => Class::Retry(Cause::Server, retry_after(raw)),
        // A redirect, a path this collector does not have: somebody is being reconfigured.
        _ => Class::Retry(Cause::Answer, retry_after(raw)),
    }
}

/// `Retry-After` in either of its forms (RFC 9110 section 10.2.3). A date is read against the
/// answer's own `Date`, never against this PC's clock.
fn retry_after(raw: &Raw) -> Option<Duration> {
    let asked = raw.retry_after.as_deref()?.trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parse = |text: &str| DateTimeParser::new().parse_timestamp(text.trim()).ok();
    let wait = parse(asked)?.duration_since(parse(raw.date.as_deref()?)?);
    Some(Duration::try_from(wait).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wire::enrolment::Dismissed;

    fn raw(status: u16, body: &str) -> Raw {
        Raw { status, body: body.into(), ..Raw::default() }
    }

    #[test]
    fn every_status_has_its_meaning() {
        let nothing = r#"{"now":1,"accepted":[]}"#;
        for (status, body, class) in [
            (200, "<html>sign in to the hotel's network</html>", Class::Retry(Cause::Answer, None)),
            (200, "", Class::Retry(Cause::Answer, None)),
            (204, nothing, Class::Retry(Cause::Answer, None)),
            (302, nothing, Class::Retry(Cause::Answer, None)),
            (400, nothing, Class::RefusedForGood),
            (413, "", Class::RefusedForGood),
            (422, "", Class::RefusedForGood),
            (401, "", Class::Credential),
            (401, r#"{"error":"of_tomorrow","at":7}"#, Class::Credential),
            (409, "", Class::Retry(Cause::Cloned, None)),
            (401, r#"{"error":"replaced","by":"PC-2","at":7}"#, {
                let by = "PC-2".to_owned();
                Class::Replaced(Dismissal { error: Dismissed::Replaced, by, at: 7 })
            }),
            (403, "", Class::Credential),
            (404, "", Class::Retry(Cause::Answer, None)),
            (408, "", Class::Retry(Cause::Answer, None)),
            (429, "", Class::Retry(Cause::Busy, None)),
            (500, nothing, Class::Retry(Cause::Server, None)),
            (503, "", Class::Retry(Cause::Busy, None)),
            (599, "", Class::Retry(Cause::Server, None)),
        ] {
            assert_eq!(classify(&raw(status, body)), class, "{status} {body}");
        }
        let Class::Answered(answer) = classify(&raw(200, nothing)) else { panic!() };
        assert_eq!((answer.now, answer.accepted.len()), (1, 0));
    }

    #[test]
    fn the_fields_of_later_collectors_are_read_or_ignored() {
        let body = r#"{"now":1,"accepted":[],"profile":"\"abc\"","of_tomorrow":{"x":[1]},
            "meeting":{"id":"giao-ban@2026-11-23T07:30","start":2,"end":3}}"#;
        let Class::Answered(answer) = classify(&raw(200, body)) else { panic!() };
        assert_eq!(answer.profile.as_deref(), Some("\"abc\""));
        assert_eq!(answer.meeting.unwrap().start, 2);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date_of_the_collectors_clock() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (asked, date, seconds) in [
            ("7", None, Some(7)),
            (" 7 ", None, Some(7)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(date), Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(date), Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", None, None),
            ("-7", None, None),
            ("soon", Some(date), None),
            ("99999999999999999999999", None, None),
        ] {
            let (retry_after, date) = (Some(asked.to_owned()), date.map(str::to_owned));
            let raw = Raw { status: 503, retry_after, date, body: Vec::new() };
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(classify(&raw), Class::Retry(Cause::Busy, expected), "{asked}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(status: u16, body: Vec<u8>, retry_after: Option<String>, date: Option<String>) {
            classify(&Raw { status, retry_after, date, body });
        }
    }

    #[test]
    fn nothing_like_an_answer_is_too_strange() {
        let boot = uuid::Uuid::nil();
        let shapes = [
            format!(
                r#"{{"now":1,"accepted":[["{boot}",1],["{boot}",2]],"refused":[{{"index":2,"boot":null,"seq":3,"reason":"old"}}],"profile":"\"abc\"","meeting":{{"id":"a@2026-11-23T07:30","start":2,"end":3}}}}"#
            ),
            "Sun, 06 Nov 1994 08:50:07 GMT".to_owned(),
        ];
        crate::mutations::survives(&shapes, |bytes| {
            let text = Some(String::from_utf8_lossy(bytes).into_owned());
            let late = Raw { status: 503, retry_after: text.clone(), date: text, body: Vec::new() };
            let answered = Raw { status: 200, retry_after: None, date: None, body: bytes.to_vec() };
            (classify(&late), classify(&answered))
        });
    }
}
