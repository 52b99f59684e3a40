//! The calendar's next two weeks, as `check` prints them.

use std::fmt::Write;

use wire::yaml::Fault;
use wire::{Language, SiteId, UnixMillis};

use crate::inventory::Inventory;
use crate::meetings::{Calendar, Directory, Resolved, Slot, on_the_wall, vietnam};

/// How far ahead a person looks who has just written a calendar.
const DAYS: i64 = 14;

/// Sites that are named where two meetings want them; beyond these their number says enough.
const NAMED: usize = 5;

/// Every occurrence with its number of sites and what is unclear; `away` are the calendars that
/// could not be fetched.
pub(super) fn told(
    calendar: &Calendar,
    away: &[Fault],
    inventory: &Inventory,
    now: UnixMillis,
    language: Language,
) -> String {
    let (slots, beyond) = calendar.slots(now, now + DAYS * 24 * 60 * 60 * 1000);
    let directory = Directory::new(inventory);
    let occurrences: Vec<(Slot<'_>, Resolved)> = slots
        .into_iter()
        .map(|slot| {
            let who = slot.participants().resolve(&directory);
            (slot, who)
        })
        .collect();
    let (meetings, count) = (calendar.meetings.len(), occurrences.len() + beyond);
    let mut text = language.pick(
        format!("Lịch họp: {meetings} cuộc họp; {count} phiên trong {DAYS} ngày tới.\n"),
        format!("Calendar: {meetings} meetings; {count} occurrences in the next {DAYS} days.\n"),
    );
    for (slot, who) in &occurrences {
        line(&mut text, slot, who, language);
    }
    if beyond > 0 {
        text += &language
            .pick(format!("  … và {beyond} phiên nữa.\n"), format!("  … and {beyond} more.\n"));
    }
    for overlap in overlaps(&occurrences) {
        text += &overlap.told(language);
    }
    remarks(&mut text, calendar, away, language);
    text
}

/// What was not read of schedules first, then what was guessed.
fn remarks(text: &mut String, calendar: &Calendar, away: &[Fault], language: Language) {
    for (loss, head) in [
        (true, language.pick("Cần xem lại:", "To be looked at:")),
        (false, language.pick("Đã suy ra:", "Taken to be:")),
    ] {
        let mut told: Vec<String> = calendar
            .remarks
            .iter()
            .filter(|remark| remark.is_loss() == loss)
            .map(|remark| format!("    {}\n", remark.told(language)))
            .collect();
        if loss {
            let away = away.iter().map(|fault| match language {
                Language::Vi => format!("    không lấy được lịch {fault}\n"),
                Language::En => format!("    not fetched: {fault}\n"),
            });
            told.extend(away);
        }
        if !told.is_empty() {
            *text = format!("{text}  {head}\n{}", told.concat());
        }
    }
}

fn line(text: &mut String, slot: &Slot<'_>, who: &Resolved, language: Language) {
    // On the reader's wall, wherever the calendar was written.
    let zone = &vietnam();
    let start = on_the_wall(slot.start, zone).strftime("%d/%m/%Y %H:%M");
    let end = on_the_wall(slot.end, zone);
    let same_day = end.date() == on_the_wall(slot.start, zone).date();
    let end = end.strftime(if same_day { "%H:%M" } else { "%d/%m/%Y %H:%M" });
    let (title, sites, id) = (slot.title(), who.sites.len(), slot.id());
    let word = language.pick("điểm cầu", if sites == 1 { "site" } else { "sites" });
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {start}–{end}  {title}: {sites} {word} [{id}]");
    for name in &who.unmatched {
        text.push_str(&language.pick(
            format!("    không rõ: “{name}” không khớp (hoặc khớp nhiều) điểm cầu, địa bàn, cấp\n"),
            format!("    unclear: “{name}” matches no site, area or level, or more than one\n"),
        ));
    }
    if sites == 0 {
        text.push_str(language.pick(
            "    không rõ: chưa có điểm cầu nào tham dự\n",
            "    unclear: no site takes part\n",
        ));
    }
}

/// Sites that two meetings want at once.
struct Overlap {
    first: String,
    second: String,
    sites: Vec<SiteId>,
}

impl Overlap {
    fn told(&self, language: Language) -> String {
        let Self { first, second, sites } = self;
        let mut named: Vec<&str> = sites.iter().take(NAMED).map(SiteId::as_str).collect();
        if sites.len() > NAMED {
            named.push("…");
        }
        let (count, named) = (sites.len(), named.join(", "));
        language.pick(
            format!("  Trùng giờ: {first} và {second}, {count} điểm cầu: {named}\n"),
            format!("  At the same time: {first} and {second}, {count} sites: {named}\n"),
        )
    }
}

/// Slots come in the order of their starts, so that each is held against those still running.
fn overlaps(occurrences: &[(Slot<'_>, Resolved)]) -> Vec<Overlap> {
    let mut running: Vec<&(Slot<'_>, Resolved)> = Vec::new();
    let mut found = Vec::new();
    for next in occurrences {
        running.retain(|(slot, _)| slot.end > next.0.start);
        for earlier in &running {
            let sites: Vec<_> = earlier.1.sites.intersection(&next.1.sites).cloned().collect();
            if !sites.is_empty() {
                found.push(Overlap { first: earlier.0.id(), second: next.0.id(), sites });
            }
        }
        running.push(next);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::inventory;
    use crate::meetings::files;

    #[test]
    fn what_a_schedule_leaves_open_is_told_below() {
        let sites = "sites: [{ id: a, name: A }]";
        let inventory = inventory::parse(Path::new("s.yaml"), sites.as_bytes()).unwrap();
        let text = "Ngày;Giờ;Nội dung;Điểm cầu\n23/11;7h30;Giao ban;A\n;Sáng;Họp tổ;A\n";
        let (path, saved) = (Path::new("lich.csv"), "2026-11-20".parse().unwrap());
        let content = files::parse(path, files::Text { bytes: text.as_bytes(), saved }).unwrap();
        let (calendar, _) = files::assemble(&BTreeMap::from([(path.to_owned(), content)]));
        let now = "2026-11-22T00:00+07:00".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        assert_eq!(
            told(&calendar, &[], &inventory, now, Language::En),
            "Calendar: 1 meetings; 1 occurrences in the next 14 days.
  23/11/2026 07:30–09:30  Giao ban: 1 site [2026-11-23-giao-ban@2026-11-23T07:30]
  To be looked at:
    lich.csv, row 3: not read: “Họp tổ” has no time; write one like 07h30
  Taken to be:
    lich.csv: 1 meetings without an end: 2 hours are assumed
    lich.csv, row 2: days without a year: taken as 2026-11-23, by the day it was saved, 2026-11-20
"
        );
    }

    #[test]
    fn two_weeks_are_told_with_what_is_unclear() {
        let sites = "sites: [{ id: a, name: A }, { id: b, name: B }]";
        let inventory = inventory::parse(Path::new("s.yaml"), sites.as_bytes()).unwrap();
        let text = "
meetings:
  - { id: gb, title: Giao ban tuần, start: 2026-11-23T07:30, duration: 2h30m, repeat: FREQ=WEEKLY }
  - { id: pc, title: Phòng chống bão, start: 2026-11-30T09:00, duration: 16h, sites: { ids: [b, Hoằng Hoá] } }
  - { id: xa, title: Xa, start: 2027-11-30T09:00, duration: 1h }
  - { id: ban, title: Họp với Tô-ki-ô, start: 2026-12-01T09:00, duration: 1h, timezone: Asia/Tokyo, sites: { ids: [a] } }
";
        let path = Path::new("m.yaml");
        let content = files::parse(path, files::Text::new(text.as_bytes(), None)).unwrap();
        let (calendar, _) = files::assemble(&BTreeMap::from([(path.to_owned(), content)]));
        let now = "2026-11-22T00:00+07:00".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        assert_eq!(
            told(&calendar, &[], &inventory, now, Language::Vi),
            "Lịch họp: 4 cuộc họp; 4 phiên trong 14 ngày tới.
  23/11/2026 07:30–10:00  Giao ban tuần: 2 điểm cầu [gb@2026-11-23T07:30]
  30/11/2026 07:30–10:00  Giao ban tuần: 2 điểm cầu [gb@2026-11-30T07:30]
  30/11/2026 09:00–01/12/2026 01:00  Phòng chống bão: 1 điểm cầu [pc@2026-11-30T09:00]
    không rõ: “Hoằng Hoá” không khớp (hoặc khớp nhiều) điểm cầu, địa bàn, cấp
  01/12/2026 07:00–08:00  Họp với Tô-ki-ô: 1 điểm cầu [ban@2026-12-01T09:00]
  Trùng giờ: gb@2026-11-30T07:30 và pc@2026-11-30T09:00, 1 điểm cầu: b
"
        );
        let english = told(&calendar, &[], &inventory, now, Language::En);
        assert!(english.contains("At the same time: gb@2026-11-30T07:30 and pc@"), "{english}");
    }
}
