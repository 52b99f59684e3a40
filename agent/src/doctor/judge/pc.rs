//! This PC: its power, its disk, and what the agent keeps on it. Pure.

use super::{finding, number, samples};
use crate::doctor::{Colour, Evidence, Finding, Spool, words};

/// A spool of 64 MiB and a system that still works need as much.
const DISK_FULL_BYTES: f64 = 256.0 * 1024.0 * 1024.0;

/// What updates and logs take in a week.
const DISK_SHORT_BYTES: f64 = 2.0 * 1024.0 * 1024.0 * 1024.0;

/// A quarter of an hour of reports: the line is down or thin.
const SPOOL_MANY: u64 = 60;

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
                "chạy lại bằng quyền quản trị (sudo)",
                "run this again with administrator rights (sudo)",
            ))
        }
    }
}

pub(super) fn contact(evidence: &Evidence) -> Finding {
    let title = words("liên lạc gần nhất", "last contact");
    match (&evidence.collector, &evidence.spool) {
        (Some(Ok(_)), _) => finding("contact", title, Colour::Green, words("vừa xong", "just now")),
        (_, Spool::Free(statistics)) if statistics.accepted > 0 => {
            let count = statistics.accepted;
            finding(
                "contact",
                title,
                Colour::Yellow,
                words(
                    format!("trước đây đã nhận {count} bản tin, lúc này không liên lạc được"),
                    format!("{count} reports were accepted before; no contact now"),
                ),
            )
        }
        (None, _) => finding("contact", title, Colour::Yellow, words("chưa lần nào", "never")),
        _ => finding(
            "contact",
            title,
            Colour::Yellow,
            words("lúc này không liên lạc được", "no contact now"),
        ),
    }
}
