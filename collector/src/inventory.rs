//! The inventory: every site that is expected, whether or not it ever reported.

use std::collections::BTreeMap;

use wire::ids::{AreaId, SiteId};
use wire::reading::Capability;

/// Areas and sites by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    /// The administrative tree; any depth.
    pub areas: BTreeMap<AreaId, Area>,
    /// The sites.
    pub sites: BTreeMap<SiteId, Site>,
}

/// A node of the administrative tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Its name for people.
    pub name: String,
    /// The node above it; none at the top.
    pub parent: Option<AreaId>,
}

/// An expected site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its name for people (`UBND xã Hoằng Lộc`).
    pub name: String,
    /// Its administrative level (`commune`); free text, data only.
    pub level: String,
    /// The area it lies in.
    pub area: Option<AreaId>,
    /// The line or node it hangs on; sites of one uplink fail together.
    pub uplink: String,
    /// Degrees north.
    pub lat: Option<f64>,
    /// Degrees east.
    pub lon: Option<f64>,
    /// Who is called; never a metric label.
    pub contact: Option<Contact>,
    /// What a meeting needs of it.
    pub needs: Vec<Capability>,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The person.
    pub name: String,
    /// The telephone number as people write it.
    pub phone: String,
}
