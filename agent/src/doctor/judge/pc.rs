//! This PC: its power, its disk, and what the agent keeps on it. Pure.

use wire::UnixMillis;

use super::{finding, line, number, samples};
use crate::doctor::{Colour, Evidence, Finding, Since, Spool, words};
use crate::platform::AS_ADMINISTRATOR;

/// A spool of 64 MiB and a system that still works need as much.
const DISK_FULL_BYTES: f64 = 256.0 * 1024.0 * 1024.0;

/// What updates and logs take in a week.
const DISK_SHORT_BYTES: f64 = 2.0 * 1024.0 * 1024.0 * 1024.0;

/// A quarter of an hour of reports: the line is down or thin.
const SPOOL_MANY: u64 = 60;

/// Two reports at the resting cadence, and the minute in which it is noted.
const SECONDS_COUNT: u64 = 120_000;

/// Five times the resting cadence: not a hiccup any more.
const CONTACT_OLD: u64 = 600_000;

pub(super) fn power(evidence: &Evidence) -> Finding {
    let title = words("nguồn điện và chế độ ngủ", "power and sleep");
    if number(evidence, "power", "bridge_host_mains_online") == Some(0.0) {
        let found = words("mất điện lưới, đang chạy pin", "no mains power, on battery");
        return finding("power", title, Colour::Red, found)
            .mend(words("cắm nguồn", "plug the adapter in"));
    }
    if let Some(after) = number(evidence, "power", "bridge_host_sleep_after_seconds") {
        let minutes = after / 60.0;
        let found = words(
            format!("máy tự ngủ sau {minutes:.0} phút"),
            format!("the PC sleeps after {minutes:.0} minutes"),
        );
        return finding("power", title, Colour::Yellow, found).mend(words(
            "tắt chế độ tự ngủ trong cài đặt nguồn",
            "switch sleep off in the settings of power",
        ));
    }
    finding("power", title, Colour::Green, words("không tự ngủ", "it does not go to sleep"))
}

pub(super) fn disk(evidence: &Evidence) -> Finding {
    let title = words("ổ đĩa", "disk");
    let Some(free) = samples(evidence, "host", "bridge_host_disk_available_bytes").reduce(f64::min)
    else {
        return finding("disk", title, Colour::Yellow, words("không đo được", "not measured"));
    };
    let colour = match free {
        free if free < DISK_FULL_BYTES => Colour::Red,
        free if free < DISK_SHORT_BYTES => Colour::Yellow,
        _ => Colour::Green,
    };
    let gib = free / (1024.0 * 1024.0 * 1024.0);
    let found = finding(
        "disk",
        title,
        colour,
        words(format!("còn trống {gib:.1} GiB"), format!("{gib:.1} GiB free")),
    );
    if colour == Colour::Green {
        found
    } else {
        found.mend(words("xóa bớt tệp không cần", "delete what is not needed"))
    }
}

pub(super) fn spool(evidence: &Evidence) -> Finding {
    let title = words("bản tin chờ gửi", "reports waiting");
    match &evidence.spool {
        Spool::None => finding("spool", title, Colour::Green, words("chưa có", "none yet")),
        Spool::Held => finding(
            "spool",
            title,
            Colour::Green,
            words("agent đang giữ và gửi", "in the running agent's hands"),
        ),
        Spool::Free(statistics) => {
            let count = statistics.reports;
            let many = count > SPOOL_MANY;
            let colour = if many { Colour::Yellow } else { Colour::Green };
            let found = finding(
                "spool",
                title,
                colour,
                words(format!("{count} bản tin"), format!("{count} reports")),
            );
            if many {
                found.mend(words(
                    "chúng tự được gửi khi agent chạy và có mạng",
                    "they leave by themselves once the agent runs and the line is there",
                ))
            } else {
                found
            }
        }
        Spool::Unusable(error) => {
            finding("spool", title, Colour::Red, words(error.as_str(), error.as_str())).mend(words(
                format!("chạy lại bằng quyền quản trị ({AS_ADMINISTRATOR})"),
                format!("run this again with administrator rights ({AS_ADMINISTRATOR})"),
            ))
        }
    }
}

pub(super) fn contact(evidence: &Evidence) -> Finding {
    let title = words("bản tin được nhận gần nhất", "last report accepted");
    let Some(Since { contact, ago_ms }) = evidence.contact else {
        return finding("contact", title, Colour::Yellow, words("chưa lần nào", "never"))
            .mend(words("xem các mục đỏ ở trên", "look at what is red above"));
    };
    let at = moment(contact.at);
    let (vi, en) = match ago_ms {
        Some(0..SECONDS_COUNT) => ("vừa xong".to_owned(), "just now".to_owned()),
        Some(ago) => {
            let (count, unit_vi, unit_en) = line::span(ago);
            (format!("{count} {unit_vi} trước, {at}"), format!("{count} {unit_en} ago, {at}"))
        }
        None => (at.clone(), at),
    };
    if ago_ms.is_some_and(|ago| ago < CONTACT_OLD) {
        return finding("contact", title, Colour::Green, words(vi, en));
    }
    finding("contact", title, Colour::Yellow, words(vi, en)).mend(words(
        "xem các mục đỏ ở trên; nếu không có, khởi động lại dịch vụ",
        "look at what is red above; if nothing is, restart the service",
    ))
}

/// As people in Vietnam read it.
fn moment(at: UnixMillis) -> String {
    let Ok(timestamp) = jiff::Timestamp::from_millisecond(at) else { return String::new() };
    // The PC's own zone is as doubtful as its clock; all sites are in this one.
    timestamp
        .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)))
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}
