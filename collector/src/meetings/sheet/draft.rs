//! One meeting of a table: its id, and whom it names. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::DateTime;
use unicode_normalization::UnicodeNormalization;
use wire::ids::MeetingId;

use super::super::remark::What;
use crate::inventory::folded;
use crate::meetings::Participants;

/// A schedule seldom says when a meeting ends. Two hours are what most of them last, and a site
/// that is watched for longer than it meets costs nothing.
pub(super) const LENGTH: Duration = Duration::from_hours(2);

/// Words of a subject in an id: enough to tell a day's meetings apart, few enough that a slip
/// mended at its end leaves the id as it is.
const ID_CHARS: usize = 40;

/// A meeting of the table.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) row: usize,
    /// The id that the table gives it.
    pub(super) id: Option<MeetingId>,
    pub(super) start: DateTime,
    /// None where the table does not say.
    pub(super) duration: Option<Duration>,
    pub(super) title: String,
    /// Whom it names, line by line.
    pub(super) sites: String,
}

impl Draft {
    /// One meeting may stand in several rows, each with some of its participants.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.start, &self.id) == (other.start, &other.id)
            && folded(&self.title) == folded(&other.title)
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.sites = format!("{}\n{}", self.sites, other.sites);
        self.duration = self.duration.max(other.duration);
    }

    /// `2026-11-16-giao-ban-tuan`: the same as long as day and subject are, whatever else is
    /// mended in the file or wherever the row moves.
    pub(super) fn own_id(&self) -> String {
        let plain: String = folded(&self.title)
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .collect();
        let mut id = self.start.strftime("%Y-%m-%d").to_string();
        let most = id.len() + ID_CHARS;
        for word in plain.split('-').filter(|word| !word.is_empty()) {
            if id.len() + 1 + word.len() > most {
                break;
            }
            id = format!("{id}-{word}");
        }
        id
    }

    /// Whom it names: `Tất cả các điểm cầu, trừ UBND xã Hoằng Lộc`.
    pub(super) fn participants(&self) -> Participants {
        let text: String = self.sites.nfc().collect();
        let (names, except) = match exception(&text) {
            Some(place) => {
                (&text[..place], text[place..].trim_start_matches(|c: char| !c.is_whitespace()))
            }
            None => (&text[..], ""),
        };
        let clean = |text: &str| -> Vec<String> {
            text.lines().map(item).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let names = clean(names).join("\n");
        let names = names.trim_end_matches([',', ';', '(', ' ', '\n']);
        let except = clean(except).join(";");
        let except = except.split([';', ',']).map(|name| name.trim_matches([')', '.', ' ', ':']));
        Participants {
            names: if names.is_empty() { vec![] } else { vec![vec![names.to_owned()]] },
            except: except.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            ..Participants::default()
        }
    }
}

/// Where the word `trừ` stands, by itself.
fn exception(text: &str) -> Option<usize> {
    let lower = text.to_lowercase();
    // Lower case may be longer than upper case, though not in Vietnamese.
    let places = lower.match_indices("trừ").map(|(place, _)| place);
    let alone = |place: &usize| {
        let before = lower[..*place].chars().next_back();
        let after = lower[place + "trừ".len()..].chars().next();
        let apart = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
        apart(before) && apart(after) && text.is_char_boundary(*place)
    };
    places.into_iter().find(alone)
}

/// A line of a list without its mark: `- UBND xã Hoằng Lộc`, `2. UBND xã Hoằng Quỳ`.
fn item(line: &str) -> &str {
    let line = line.trim().trim_start_matches(['-', '–', '+', '*', '•']).trim_start();
    let numbered = line.split_once(['.', ')']).filter(|(number, rest)| {
        number.len() <= 3
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && rest.starts_with(' ')
    });
    let line = numbered.map_or(line, |(_, rest)| rest.trim_start());
    line.trim_end_matches([';', ',', '.']).trim_end()
}

/// Gives each draft an id of its own: the table's, or one made of day and subject, with the time
/// where a day has two of one subject.
pub(super) fn named(
    drafts: Vec<Draft>,
    taken: &mut BTreeMap<MeetingId, usize>,
) -> Vec<Result<(MeetingId, Draft), (usize, What)>> {
    let mut named = Vec::new();
    for draft in drafts {
        let own = draft.own_id();
        let with_time = format!("{own}-{}", draft.start.strftime("%H%M"));
        let candidates: Vec<MeetingId> = match &draft.id {
            Some(id) => vec![id.clone()],
            None => [own, with_time].into_iter().filter_map(|id| id.parse().ok()).collect(),
        };
        let free = candidates.iter().find(|id| !taken.contains_key(*id)).cloned();
        named.push(match (free, candidates.first()) {
            (Some(id), _) => {
                taken.insert(id.clone(), draft.row);
                Ok((id, draft))
            }
            (None, id) => {
                let id = id.map(ToString::to_string).unwrap_or_default();
                Err((draft.row, What::IdTaken(id)))
            }
        });
    }
    named
}
