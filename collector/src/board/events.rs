//! The picture and its changes as server-sent events (HTML standard § 9.2). Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use wire::{Language, UnixMillis};

use crate::acknowledgements::{Acknowledgement, Trouble};
use crate::readiness::{Cause, Incident, Verdict};

use super::picture::{Changes, Meeting, Picture, Standing};
use super::squeezed::Event;

/// Everything, for someone who knows nothing yet. The moment of it is a beat's.
#[derive(Serialize)]
struct Whole<'a> {
    /// What people call each verdict.
    words: BTreeMap<&'static str, &'static str>,
    areas: Vec<&'a str>,
    sites: Vec<Site<'a>>,
    meetings: Vec<MeetingLine<'a>>,
    focus: Option<&'a str>,
    apart: BTreeMap<&'a str, BTreeMap<usize, Told>>,
    incidents: Vec<IncidentLine<'a>>,
}

#[derive(Serialize)]
struct Site<'a> {
    id: &'a str,
    name: &'a str,
    /// Its place among the areas.
    area: usize,
    #[serde(flatten)]
    told: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<&'a Acknowledgement>,
}

#[derive(Serialize)]
struct MeetingLine<'a> {
    id: &'a str,
    title: &'a str,
    start: UnixMillis,
    end: UnixMillis,
    count: usize,
    unmatched: &'a [String],
    sites: Option<&'a [usize]>,
}

/// What a tile says.
#[derive(Serialize)]
struct Told {
    verdict: &'static str,
    why: Option<String>,
    more: usize,
}

#[derive(Serialize)]
struct IncidentLine<'a> {
    text: String,
    since: UnixMillis,
    #[serde(flatten)]
    of: Trouble,
    given: Option<&'a Acknowledgement>,
}

/// What has changed; a key that is missing has not. The focus is always told.
#[derive(Serialize)]
struct Change<'a> {
    now: UnixMillis,
    at: UnixMillis,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sites: BTreeMap<usize, Told>,
    /// Null where the site's own verdict is the meeting's again.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    apart: BTreeMap<&'a str, BTreeMap<usize, Option<Told>>>,
    focus: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents: Option<Vec<IncidentLine<'a>>>,
    /// Null where nobody looks after a site any more.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    given: BTreeMap<usize, Option<&'a Acknowledgement>>,
}

#[derive(Serialize)]
struct Beat {
    now: UnixMillis,
    at: UnixMillis,
}

/// The whole picture.
pub(super) fn whole(picture: &Picture, language: Language) -> Event {
    let places = &picture.places;
    let areas = places.sites.iter().zip(&places.area_of);
    let sites = areas.zip(&picture.sites).enumerate();
    let sites = sites.map(|(place, ((id, area), standing))| Site {
        id: id.as_str(),
        name: picture.inventory.sites.get(id).map_or(id.as_str(), |site| &site.name),
        area: *area,
        told: told(standing, language),
        given: picture.given_to(place),
    });
    let apart = picture.apart.iter().map(|(meeting, sites)| {
        let sites = sites.iter().map(|(place, standing)| (*place, told(standing, language)));
        (meeting.as_str(), sites.collect())
    });
    event(
        "picture",
        &Whole {
            words: words(language),
            areas: places.areas.iter().map(|(_, name)| name.as_str()).collect(),
            sites: sites.collect(),
            meetings: picture.meetings.iter().map(line).collect(),
            focus: picture.focus.as_deref(),
            apart: apart.collect(),
            incidents: incidents(picture, language),
        },
    )
}

/// What has changed in the picture.
pub(super) fn change(
    picture: &Picture,
    changes: &Changes,
    language: Language,
    now: UnixMillis,
) -> Event {
    let site = |place: &usize| Some((*place, told(picture.sites.get(*place)?, language)));
    let mut apart: BTreeMap<&str, BTreeMap<usize, Option<Told>>> = BTreeMap::new();
    for (meeting, place) in &changes.apart {
        let standing = picture.apart.get(meeting).and_then(|sites| sites.get(place));
        let told = standing.map(|standing| told(standing, language));
        apart.entry(meeting).or_default().insert(*place, told);
    }
    event(
        "change",
        &Change {
            now,
            at: picture.at,
            sites: changes.sites.iter().filter_map(site).collect(),
            apart,
            focus: picture.focus.as_deref(),
            incidents: changes.incidents.then(|| incidents(picture, language)),
            given: changes.given.iter().map(|place| (*place, picture.given_to(*place))).collect(),
        },
    )
}

/// What time it is, and when was judged last.
pub(super) fn beat(at: UnixMillis, now: UnixMillis) -> Event {
    event("beat", &Beat { now, at })
}

/// What people call each verdict.
fn words(language: Language) -> BTreeMap<&'static str, &'static str> {
    Verdict::ALL.map(|verdict| (verdict.label(), verdict.word(language))).into()
}

fn told(standing: &Standing, language: Language) -> Told {
    Told { verdict: standing.verdict.label(), why: standing.why(language), more: standing.more }
}

fn line(meeting: &Meeting) -> MeetingLine<'_> {
    let Meeting { id, title, start, end, count, unmatched, sites } = meeting;
    let (start, end, count) = (*start, *end, *count);
    MeetingLine { id, title, start, end, count, unmatched, sites: sites.as_deref() }
}

fn incidents(picture: &Picture, language: Language) -> Vec<IncidentLine<'_>> {
    let line = |Incident { cause, members: sites, of, since }: &Incident| {
        let members = sites.len();
        let text = match cause {
            Cause::Uplink(uplink) => match picture.inventory.provider_of(sites) {
                None => language.pick(
                    format!("Đường truyền {uplink}: {members} trên {of} điểm cầu cùng mất kết nối; gọi đơn vị quản lý đường truyền này trước"),
                    format!("Uplink {uplink}: {members} of {of} sites are cut off together; call whoever runs it first"),
                ),
                Some(provider) => language.pick(
                    format!("Đường truyền {uplink} của {provider}: {members} trên {of} điểm cầu cùng mất kết nối; gọi {provider} trước"),
                    format!("Uplink {uplink} of {provider}: {members} of {of} sites are cut off together; call {provider} first"),
                ),
            },
            Cause::Area(id) => {
                let area = picture.inventory.areas.get(id.as_str());
                let name = area.map_or(id.as_str(), |area| &area.name);
                language.pick(
                    format!("Địa bàn {name}: {members} trên {of} điểm cầu cùng mất kết nối; hỏi điện lực và nhà mạng ở đó trước"),
                    format!("Area {name}: {members} of {of} sites are cut off together; ask the power company and the carrier there first"),
                )
            }
        };
        let of = Trouble::of_incident(cause);
        let given = picture.given.get(&of);
        IncidentLine { text, since: *since, of, given }
    };
    picture.incidents.iter().map(line).collect()
}

/// JSON has no line breaks outside its texts, and escapes those inside: one `data` line.
fn event(name: &str, data: &impl Serialize) -> Event {
    let mut bytes = format!("event: {name}\ndata: ").into_bytes();
    // It fails for maps whose keys are neither texts nor numbers, and there are none here.
    let _ = serde_json::to_writer(&mut bytes, data);
    bytes.extend_from_slice(b"\n\n");
    Event::new(bytes)
}
