//! Words, moments and numbers for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use wire::{Language, UnixMillis};

use super::{Cell, Standing};
use crate::readiness::Verdict;
use crate::roll_call::RecordedReason;
use crate::roll_call::attendance::{Disagreement, Presence, disagreement};
use crate::roll_call::later::Later;

/// Vietnam has one zone.
pub(super) fn zone() -> TimeZone {
    TimeZone::get("Asia/Ho_Chi_Minh").unwrap_or(TimeZone::UTC)
}

/// Day and time as the language writes them, in Vietnam's zone.
pub(super) fn moment(at: UnixMillis, language: Language) -> String {
    format(at, language.pick("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M"))
}

/// The time of day.
pub(super) fn time(at: UnixMillis) -> String {
    format(at, "%H:%M:%S")
}

fn format(at: UnixMillis, how: &str) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(at) else { return String::new() };
    timestamp.to_zoned(zone()).strftime(how).to_string()
}

/// A share as percent with one decimal, rounded down: 99.96 % of the sites are not all of them.
pub(super) fn share(share: Option<f64>, language: Language) -> String {
    let Some(share) = share else { return "–".to_owned() };
    // The nudge is for shares that binary fractions miss, as in 0.29 × 1000 = 289.99….
    let text = format!("{:.1}%", (share * 1000.0 + 1e-9).floor() / 10.0);
    language.pick(text.replace('.', ","), text)
}

/// A verdict with its standing.
pub(super) fn verdict(verdict: Verdict, language: Language) -> Cell {
    let standing = match verdict {
        Verdict::Ready => Standing::Good,
        Verdict::Degraded => Standing::Fair,
        Verdict::NotReady => Standing::Bad,
        Verdict::Unknown => Standing::Dark,
        Verdict::Excused => Standing::Apart,
    };
    Cell::Verdict(verdict.word(language).to_owned(), standing)
}

/// All reasons of a site, the gravest first.
pub(super) fn reasons(reasons: &[RecordedReason], language: Language) -> String {
    let told: Vec<_> = reasons.iter().map(|reason| reason.told(language)).collect();
    told.join("; ")
}

/// What was learnt later.
pub(super) fn later(later: Option<Later>, language: Language) -> &'static str {
    match later {
        None => "",
        Some(Later::LineDown) => language.pick(
            "chỉ mất đường truyền, máy vẫn hoạt động",
            "only the line was down, the site was alive",
        ),
        Some(Later::SiteDown) => {
            language.pick("máy của điểm cầu không hoạt động", "the site was down")
        }
        Some(Later::NothingYet) => language.pick("chưa có bản tin bù", "nothing has arrived since"),
    }
}

/// Whether a site took part, and whether that contradicts what was said.
pub(super) fn presence(
    verdict: Verdict,
    presence: Option<Presence>,
    language: Language,
) -> &'static str {
    let Some(presence) = presence else { return "" };
    match (disagreement(verdict, presence), presence) {
        (Some(Disagreement::FalseReady), _) => {
            language.pick("vắng (báo sẵn sàng sai)", "absent (false ready)")
        }
        (Some(Disagreement::FalseAlarm), _) => {
            language.pick("có mặt (báo động sai)", "present (false alarm)")
        }
        (None, Presence::Present) => language.pick("có mặt", "present"),
        (None, Presence::Late) => language.pick("vào muộn", "late"),
        (None, Presence::Absent) => language.pick("vắng", "absent"),
    }
}
