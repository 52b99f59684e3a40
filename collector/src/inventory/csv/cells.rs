//! What the cells of one site say.

use std::collections::{BTreeMap, HashMap};

use wire::ids::AreaId;
use wire::reading::Capability;

use super::columns::Column;
use crate::inventory::draft::{AreaDraft, ContactDraft, SiteDraft};
use crate::inventory::folded;

/// Writes a cell into its site; an error says what would be right.
pub(super) fn fill(
    site: &mut SiteDraft,
    column: Column,
    cell: &str,
    areas: &mut Areas,
) -> Result<(), String> {
    match column {
        Column::Id => site.id = unspoilt(cell)?,
        Column::Name => cell.clone_into(&mut site.name),
        Column::Level => site.level = Some(cell.to_owned()),
        Column::Area => site.area = Some(areas.id(cell)?),
        Column::Uplink => site.uplink = Some(cell.to_owned()),
        Column::Provider => site.provider = Some(cell.to_owned()),
        Column::Lat => site.lat = Some(degrees(cell)?),
        Column::Lon => site.lon = Some(degrees(cell)?),
        Column::ContactName => contact(site).name = Some(cell.to_owned()),
        Column::ContactPhone => contact(site).phone = Some(unspoilt(cell)?),
        Column::Needs => site.needs = needs(cell)?,
        Column::Hosts => site.hosts = several(cell),
        Column::Subnets => site.subnets = several(cell),
        Column::Ignored => {}
    }
    Ok(())
}

/// What is listed in one cell.
fn several(cell: &str) -> Vec<String> {
    let parts = cell.split([',', ';', '+', '|', '\n', ' ']).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn contact(site: &mut SiteDraft) -> &mut ContactDraft {
    site.contact.get_or_insert_default()
}

/// Excel shows a long number as `9,12E+08` and saves what it shows; the digits are lost.
fn unspoilt(cell: &str) -> Result<String, String> {
    let spoilt = cell.split_once("E+").is_some_and(|(number, power)| {
        number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
            && power.chars().all(|c| c.is_ascii_digit())
    });
    if spoilt {
        return Err(format!(
            "Excel has turned this into the number {cell}; format the column as text and type it again"
        ));
    }
    Ok(cell.to_owned())
}

/// Degrees with a decimal point or comma.
fn degrees(cell: &str) -> Result<f64, String> {
    cell.replacen(',', ".", 1)
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| format!("`{cell}` is not a number of degrees like 19,85 or 19.85"))
}

/// What a site needs, in the words of `sites.yaml` or their Vietnamese.
const NEEDS: [(Capability, &str, &str); 9] = [
    (Capability::Network, "network", "mạng"),
    (Capability::Camera, "camera", "máy quay"),
    (Capability::Microphone, "microphone", "micro"),
    (Capability::Speaker, "speaker", "loa"),
    (Capability::Display, "display", "màn hình"),
    (Capability::Codec, "codec", "thiết bị đầu cuối"),
    (Capability::Power, "power", "nguồn"),
    (Capability::Host, "host", "máy tính"),
    (Capability::Clock, "clock", "đồng hồ"),
];

fn needs(cell: &str) -> Result<Vec<Capability>, String> {
    cell.split([',', ';', '+', '|', '\n'])
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| {
            let plain = folded(word);
            let mut known = NEEDS.iter();
            known
                .find(|(_, english, vietnamese)| plain == *english || plain == folded(vietnamese))
                .map(|(need, ..)| *need)
                .ok_or_else(|| {
                    let known: Vec<String> =
                        NEEDS.iter().map(|(_, en, vi)| format!("`{en}` ({vi})")).collect();
                    format!("`{word}` is no need; separate with commas: {}", known.join(", "))
                })
        })
        .collect()
}

/// The areas that the cells name.
#[derive(Default)]
pub(super) struct Areas {
    drafts: BTreeMap<String, AreaDraft>,
    /// The id of each cell, by its text.
    ids: HashMap<String, String>,
}

impl Areas {
    /// The id of the area that a cell names: by its id, or by a path of names from the top,
    /// `Thanh Hóa / Hoằng Hóa`, which gets the id `thanh-hoa.hoang-hoa`.
    fn id(&mut self, cell: &str) -> Result<String, String> {
        if let Some(id) = self.ids.get(cell) {
            return Ok(id.clone());
        }
        let mut above: Option<String> = None;
        for name in cell.split('/').map(str::trim) {
            let own = own_id(name);
            if own.is_empty() {
                return Err(format!("`{cell}` is not a path of names like Thanh Hóa / Hoằng Hóa"));
            }
            let id = match &above {
                Some(above) => format!("{above}.{own}"),
                None => own,
            };
            id.parse::<AreaId>()
                .map_err(|error| format!("`{cell}` makes no id for its area: {error}"))?;
            let draft = AreaDraft { id: id.clone(), name: name.to_owned(), parent: above };
            self.drafts.entry(id.clone()).and_modify(|known| known.prefer(name)).or_insert(draft);
            above = Some(id);
        }
        let id = above.unwrap_or_default();
        self.ids.insert(cell.to_owned(), id.clone());
        Ok(id)
    }

    pub(super) fn into_drafts(self) -> Vec<AreaDraft> {
        self.drafts.into_values().collect()
    }
}

impl AreaDraft {
    /// Where one line gives the name and another only the id, the name stays.
    fn prefer(&mut self, name: &str) {
        if own_id(&self.name) == self.name {
            name.clone_into(&mut self.name);
        }
    }
}

/// An id stays as it is, a name becomes one: `Hoằng Hóa` is `hoang-hoa`. Capitals make a name,
/// for `Nga` and `Quảng` are ones.
fn own_id(name: &str) -> String {
    if name.parse::<AreaId>().is_ok() && !name.contains(|c: char| c.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let plain: String = folded(name)
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}
