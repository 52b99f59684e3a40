//! The fleet's calendar: one meeting runs, one is near, one is tomorrow. Pure.

use jiff::Timestamp;
use jiff::tz::Offset;
use wire::UnixMillis;

const MINUTE: UnixMillis = 60_000;

/// The meetings file as of `now`.
pub(crate) fn meetings(now: UnixMillis) -> String {
    let at = |minutes: UnixMillis| {
        // To the minute, as people plan.
        let moment = (now / MINUTE + minutes) * MINUTE;
        let moment = Timestamp::from_millisecond(moment).unwrap_or(Timestamp::UNIX_EPOCH);
        moment.display_with_offset(Offset::UTC).to_string()
    };
    let (running, near, tomorrow) = (at(-10), at(20), at(24 * 60));
    format!(
        r#"meetings:
  - id: giao-ban-so-nganh
    title: "Giao ban khối sở, ngành"
    start: {running}
    duration: 2h
    sites: {{ levels: [province, department] }}
  - id: truc-tuyen-cap-xa
    title: "Họp trực tuyến với các xã, phường"
    start: {near}
    duration: 2h
    sites: {{ levels: [commune] }}
  - id: so-ket-toan-tinh
    title: "Hội nghị sơ kết toàn tỉnh"
    start: {tomorrow}
    duration: 3h
    sites: {{ areas: [lam-giang] }}
"#
    )
}
