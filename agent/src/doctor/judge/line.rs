//! The way to the collector, stage by stage. Pure.

use super::{finding, number, samples};
use crate::doctor::{Colour, Enrolment, Evidence, Finding, Words, words};
use crate::uplink::{Cause, Mark};
use crate::way::way;

/// Beyond this the conference client holds good certificates for expired or not yet valid.
const CLOCK_WRONG_MILLIS: u64 = 3_600_000;

/// Beyond this people come late.
const CLOCK_OFF_MILLIS: u64 = 60_000;

pub(super) fn clock(evidence: &Evidence) -> Finding {
    let title = words("đồng hồ", "clock");
    let mend = words(
        "chỉnh lại ngày giờ và bật đồng bộ NTP; tắt máy rồi bật lại vẫn sai thì thay pin CMOS",
        "set date and time and switch NTP on; if it is wrong again after a restart, replace the CMOS battery",
    );
    let synchronised = number(evidence, "clock", "bridge_clock_synchronised") == Some(1.0);
    if let Some(Ok(offset)) = evidence.collector
        && offset.unsigned_abs() > CLOCK_OFF_MILLIS
    {
        let wrong = offset.unsigned_abs() > CLOCK_WRONG_MILLIS;
        let colour = if wrong { Colour::Red } else { Colour::Yellow };
        let (vi, en) = if offset > 0 { ("nhanh", "ahead") } else { ("chậm", "behind") };
        let (count, unit_vi, unit_en) = span(offset.unsigned_abs());
        let found = words(format!("{vi} {count} {unit_vi}"), format!("{count} {unit_en} {en}"));
        return finding("clock", title, colour, found).mend(mend);
    }
    if synchronised {
        return finding(
            "clock",
            title,
            Colour::Green,
            words("đang được đồng bộ", "kept synchronised"),
        );
    }
    let found = words("không ai giữ cho đúng", "nobody keeps it right");
    finding("clock", title, Colour::Yellow, found).mend(mend)
}

/// Milliseconds in the unit people would say.
pub(in crate::doctor) fn span(millis: u64) -> (u64, &'static str, &'static str) {
    match millis / 60_000 {
        minutes @ 0..120 => (minutes, "phút", "minutes"),
        minutes @ 120..2_880 => (minutes / 60, "giờ", "hours"),
        minutes => (minutes / 1_440, "ngày", "days"),
    }
}

pub(super) fn route(evidence: &Evidence) -> Finding {
    let title = words("cổng mạng", "network interface");
    let mend = words(
        "cắm chặt dây mạng hoặc nối Wi-Fi, xem đèn ở cổng mạng",
        "plug the cable in firmly or join the Wi-Fi; look at the lamp of the socket",
    );
    let states: Vec<f64> = samples(evidence, "link", "bridge_link_up").collect();
    match (states.is_empty(), states.contains(&1.0)) {
        (_, true) => finding("route", title, Colour::Green, words("đã kết nối", "connected")),
        (true, _) => finding(
            "route",
            title,
            Colour::Yellow,
            words("máy không cho biết", "this PC does not tell"),
        )
        .mend(mend),
        _ => finding(
            "route",
            title,
            Colour::Red,
            words("không cổng nào có kết nối", "none is connected"),
        )
        .mend(mend),
    }
}

pub(super) fn dns(evidence: &Evidence) -> Finding {
    let title = words("DNS", "DNS");
    match &evidence.name {
        None => finding(
            "dns",
            title,
            Colour::Green,
            words("không cần cho collector", "the collector needs none"),
        ),
        Some(Ok(())) => finding(
            "dns",
            title,
            Colour::Green,
            words("tìm được collector", "it knows the collector"),
        ),
        Some(Err(error)) => {
            finding("dns", title, Colour::Red, words(error.as_str(), error.as_str()))
                .mend(way(Cause::Resolve, None).1)
        }
    }
}

pub(super) fn proxy(evidence: &Evidence) -> Finding {
    let title = words("proxy", "proxy");
    let Some(proxy) = &evidence.proxy else {
        return finding("proxy", title, Colour::Green, words("không dùng", "none"));
    };
    let proxy = without_password(proxy);
    if let Some(Err(closed)) = &evidence.collector
        && let Some(Mark::Proxy(_)) = closed.mark
    {
        let (means, mend) = way(closed.cause, closed.mark);
        let found = words(format!("{proxy}: {}", means.vi), format!("{proxy}: {}", means.en));
        return finding("proxy", title, Colour::Red, found).mend(mend);
    }
    let stands = matches!(&evidence.collector, Some(Err(closed)) if matches!(closed.cause, Cause::Refused | Cause::Timeout | Cause::Closed | Cause::Resolve | Cause::Unreachable));
    let colour = if stands { Colour::Yellow } else { Colour::Green };
    let found = finding("proxy", title, colour, words(proxy.as_str(), proxy.as_str()));
    if stands {
        return found.mend(words(
            "thử bỏ proxy, hoặc nhờ cho phép proxy này đi tới collector",
            "try without it, or have it let the collector through",
        ));
    }
    found
}

/// A proxy's URL, for whoever reads it on the telephone or in a bundle.
pub(in crate::doctor) fn without_password(proxy: &str) -> String {
    match (proxy.split_once("://"), proxy.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        (None, Some((_, host))) => format!("…@{host}"),
        _ => proxy.to_owned(),
    }
}

/// A check of one stage of the way to the collector: `stops` are the causes that mean it failed.
fn stage(
    evidence: &Evidence,
    name: &'static str,
    title: Words,
    good: Words,
    failed: impl Fn(Cause) -> Option<bool>,
) -> Finding {
    match &evidence.collector {
        None => finding(
            name,
            title,
            Colour::Yellow,
            words("chưa ghi danh nên chưa biết", "not known before enrolment"),
        ),
        Some(Ok(_)) => finding(name, title, Colour::Green, good),
        Some(Err(closed)) => match failed(closed.cause) {
            Some(true) => {
                let (means, mend) = way(closed.cause, closed.mark);
                let found = words(
                    format!("{} ({})", means.vi, closed.detail),
                    format!("{} ({})", means.en, closed.detail),
                );
                finding(name, title, Colour::Red, found).mend(mend)
            }
            Some(false) => finding(name, title, Colour::Green, good),
            None => {
                finding(name, title, Colour::Yellow, words("chưa tới được bước này", "not reached"))
            }
        },
    }
}

/// Whether nothing came through at all.
fn cut(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Resolve | Cause::Refused | Cause::Unreachable | Cause::Timeout | Cause::Closed
    )
}

pub(super) fn tls(evidence: &Evidence) -> Finding {
    let good = words(
        "đúng là collector đã cấp mã cho máy này",
        "it is the collector that made this PC's code",
    );
    stage(evidence, "tls", words("TLS", "TLS"), good, |cause| {
        if cut(cause) { None } else { Some(cause == Cause::Tls) }
    })
}

pub(super) fn collector(evidence: &Evidence) -> Finding {
    let good = words("tới được", "within reach");
    stage(evidence, "collector", words("collector", "collector"), good, |cause| match cause {
        Cause::Tls | Cause::Credential | Cause::Cloned | Cause::Replaced => Some(false),
        _ => Some(true),
    })
}

pub(super) fn credential(evidence: &Evidence) -> Finding {
    let good = words("được chấp nhận", "accepted");
    // That its collector is within reach says nothing of a PC that is no site yet.
    let site = matches!(evidence.enrolment, Enrolment::Site { .. });
    if !site && matches!(evidence.collector, Some(Ok(_))) {
        let found = words("chưa ghi danh nên chưa biết", "not known before enrolment");
        let title = words("thông tin ghi danh", "credential");
        return finding("credential", title, Colour::Yellow, found);
    }
    stage(evidence, "credential", words("thông tin ghi danh", "credential"), good, |cause| {
        matches!(cause, Cause::Credential | Cause::Cloned | Cause::Replaced).then_some(true)
    })
}
