//! The inventory as it was written, before any rule; the keys are those of `sites.yaml`.

use serde::Deserialize;
use wire::reading::Capability;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Draft {
    pub(super) areas: Vec<AreaDraft>,
    pub(super) sites: Vec<SiteDraft>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AreaDraft {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) parent: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SiteDraft {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) level: Option<String>,
    pub(super) area: Option<String>,
    pub(super) uplink: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) lat: Option<f64>,
    pub(super) lon: Option<f64>,
    pub(super) contact: Option<ContactDraft>,
    pub(super) needs: Vec<Capability>,
    pub(super) hosts: Vec<String>,
    pub(super) subnets: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ContactDraft {
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
}

/// A broken rule.
#[derive(Debug)]
pub(super) struct Breach {
    pub(super) of: Item,
    /// The key as in `sites.yaml`, `contact.phone`; empty for the item as a whole.
    pub(super) key: &'static str,
    pub(super) message: String,
    /// An earlier item that the message refers to; who reports it adds its line.
    pub(super) first: Option<Item>,
    /// Whether it is about one half of latitude and longitude: where the other half could not be
    /// read, it proves nothing.
    pub(super) pair: bool,
}

/// What a rule is about, by its place in the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Areas,
    Sites,
    Area(usize),
    Site(usize),
}
