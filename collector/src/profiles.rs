//! Profiles: which probes each site runs. Written in one file, laid over each other by level, area
//! and site, tried on a few sites and then given to the rest.
//!
//! ```text
//!  profiles.yaml ─▶ file ─▶ Profiles ─┐
//!  sites.yaml ────▶ inventory ────────┴▶ documents: of each site ─▶ Rollout ─▶ GET /v1/profile
//!  POST /v1/reports: what runs, what was refused ──────────────────▶  │  ▲
//!  fleet: who is up, whose probes fail ───────────────────────────────┘  └─ store: what proved good
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use wire::profile::Document;
use wire::yaml::Faults;
use wire::{ProbeName, SiteId};

use crate::inventory::{self, Inventory};
use crate::meetings::{self, Directory, Participants};

pub mod desk;
mod file;
mod page;
mod rollout;

pub use file::parse;
pub use rollout::{Look, Phase, Rollout};

/// What the file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    /// How a change is tried.
    pub trial: Trial,
    /// Each laid over those before it.
    rules: Vec<Rule>,
}

/// How a change is tried before all sites get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// On how many sites; 0: it is given to all at once.
    pub sites: usize,
    /// For how long.
    pub lasts: Duration,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    of: Participants,
    /// `None` takes a probe away that an earlier rule gave.
    probes: BTreeMap<ProbeName, Option<Value>>,
}

/// A site's profile as it travels.
#[derive(Debug, PartialEq)]
pub struct Text {
    /// The same etag is the same text.
    pub etag: Box<str>,
    /// A [`Document`] as JSON.
    pub text: String,
    /// Its probes and how each is written.
    pub probes: BTreeMap<ProbeName, Value>,
}

impl Text {
    /// The text of a document.
    #[must_use]
    pub fn new(document: Document) -> Self {
        let text = serde_json::to_string(&document).unwrap_or_default();
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&text)[..8]);
        // An entity tag stands in quotes (RFC 9110 section 8.8.3).
        Self { etag: format!("\"{digest}\"").into(), text, probes: document.probes }
    }
}

/// What each site should run, and what is unclear about it.
#[derive(Debug, Default, PartialEq)]
pub struct Documents {
    /// Sites with the same profile share its text.
    pub of: BTreeMap<SiteId, Arc<Text>>,
    /// Levels, areas and sites that the inventory does not know.
    pub unmatched: BTreeSet<String>,
}

impl Profiles {
    /// The profile of every site of the inventory.
    #[must_use]
    pub fn documents(&self, inventory: &Inventory) -> Documents {
        let directory = Directory::new(inventory);
        let mut documents: BTreeMap<&SiteId, Document> =
            inventory.sites.keys().map(|site| (site, Document::default())).collect();
        let mut unmatched = BTreeSet::new();
        for rule in &self.rules {
            let resolved = rule.of.resolve(&directory);
            unmatched.extend(resolved.unmatched);
            for (_, document) in
                documents.iter_mut().filter(|(site, _)| resolved.sites.contains(**site))
            {
                rule.lay_over(document);
            }
        }
        let mut texts: BTreeMap<Box<str>, Arc<Text>> = BTreeMap::new();
        let of = documents.into_iter().map(|(site, document)| {
            let text = Text::new(document);
            let shared = texts.entry(text.etag.clone()).or_insert_with(|| Arc::new(text));
            (site.clone(), Arc::clone(shared))
        });
        Documents { of: of.collect(), unmatched }
    }
}

impl Rule {
    fn lay_over(&self, document: &mut Document) {
        for (name, probe) in &self.probes {
            match probe {
                Some(probe) => drop(document.probes.insert(name.clone(), probe.clone())),
                None => drop(document.probes.remove(name)),
            }
        }
    }
}

/// Reads the file in `path`.
///
/// # Errors
/// All its faults.
pub fn load(path: &Path) -> Result<Profiles, Faults> {
    let bytes = inventory::read(path).map_err(|error| meetings::files::unread(path, &error))?;
    parse(path, &String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITES: &str = "
areas: [{ id: tinh, name: Tỉnh }, { id: hoang-hoa, name: Hoằng Hóa, parent: tinh }]
sites:
  - { id: xa-1, name: Xã Một, level: commune, area: hoang-hoa }
  - { id: xa-2, name: Xã Hai, level: commune, area: tinh }
  - { id: so-1, name: Sở Một, level: department, area: tinh }
";

    const PROFILES: &str = "
profiles:
  - probes: { pc: { host: {} }, mcu: { every: 15s, icmp: { host: 10.0.0.10 } } }
  - { sites: { levels: [commune] }, probes: { camera: { camera: {} } } }
  - { sites: { areas: [Hoang Hoa] }, probes: { mcu: { icmp: { host: 10.1.0.10 } } } }
  - { sites: { ids: [xa-2, la] }, probes: { camera: null } }
";

    #[test]
    fn a_rule_is_laid_over_those_before_it_by_level_area_and_site() {
        let inventory = inventory::parse("sites.yaml".as_ref(), SITES.as_bytes()).unwrap();
        let profiles = parse("profiles.yaml".as_ref(), PROFILES).unwrap();
        let documents = profiles.documents(&inventory);
        let text = |site: &str| documents.of[&site.parse::<SiteId>().unwrap()].text.as_str();
        let pc = r#""pc":{"host":{}}"#;
        let far = r#""mcu":{"every":"15s","icmp":{"host":"10.0.0.10"}}"#;
        let near = r#""mcu":{"icmp":{"host":"10.1.0.10"}}"#;
        assert_eq!(
            text("xa-1"),
            format!(r#"{{"probes":{{"camera":{{"camera":{{}}}},{near},{pc}}}}}"#)
        );
        assert_eq!(text("xa-2"), format!(r#"{{"probes":{{{far},{pc}}}}}"#));
        assert_eq!(text("so-1"), text("xa-2"));
        assert_eq!(documents.unmatched, BTreeSet::from(["la".to_owned()]));
    }
}
