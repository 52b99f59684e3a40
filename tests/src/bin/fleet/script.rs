//! A script of faults: what goes wrong where and when. Pure, but for reading the file.
//!
//! ```yaml
//! faults:
//!   - { fault: line_cut, uplink: vnpt-hoang-giang-1, from: 1m, to: 20m }   # all sites behind it
//!   - { fault: line_cut, uplinks: 1, from: 1m }                  # so many, drawn by the seed
//!   - { fault: camera_unplugged, sites: [xa-0003, xa-0007] }     # from the start, for good
//!   - { fault: microphone_muted, share: 0.02 }                   # of all sites, drawn
//! ```
//! What is drawn is drawn from sites and uplinks that nothing else befalls, at least one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ::tests::dice::Dice;
use serde::Deserialize;
use wire::duration::Span;
use wire::yaml;

use crate::fault::{Fault, Spell};
use crate::province::{Level, Place};

/// What goes wrong where nobody says otherwise: a bad morning.
const BAD_MORNING: &str = include_str!("bad-morning.yaml");

/// Fewer sites that fail together are no incident of their uplink.
const BEHIND_AN_UPLINK: usize = 3;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    faults: Vec<Line>,
}

/// One line of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    fault: Fault,
    sites: Option<Vec<String>>,
    uplink: Option<String>,
    uplinks: Option<usize>,
    share: Option<f64>,
    from: Option<Span>,
    to: Option<Span>,
}

impl Script {
    /// The script in a file, or the shipped one.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        match path {
            None => Ok(yaml::read(Path::new("bad-morning.yaml"), BAD_MORNING)?),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
                Ok(yaml::read(path, &text)?)
            }
        }
    }

    /// Each site's faults, in the order of `places`.
    pub(crate) fn cast(&self, places: &[Place], seed: u64) -> anyhow::Result<Vec<Vec<Spell>>> {
        let mut cast = Cast::new(places, seed);
        // Who is named first, so that nobody named is drawn for something else.
        let (named, drawn): (Vec<_>, Vec<_>) =
            self.faults.iter().partition(|line| line.sites.is_some() || line.uplink.is_some());
        for line in named.into_iter().chain(drawn) {
            let befallen = cast.befallen(line)?;
            cast.befall(line, &befallen);
        }
        Ok(cast.spells)
    }
}

/// Who is already taken, and by what.
struct Cast<'a> {
    places: &'a [Place],
    spells: Vec<Vec<Spell>>,
    dice: Dice,
}

impl<'a> Cast<'a> {
    fn new(places: &'a [Place], seed: u64) -> Self {
        Self { places, spells: vec![Vec::new(); places.len()], dice: Dice::loaded(seed) }
    }

    fn befall(&mut self, line: &Line, sites: &[usize]) {
        let millis = |span: Span| u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX);
        let spell = Spell {
            fault: line.fault,
            from: line.from.map_or(0, millis),
            until: line.to.map_or(u64::MAX, millis),
        };
        for site in sites {
            self.spells[*site].push(spell);
        }
    }

    /// The places in the list of whom the line names or draws.
    fn befallen(&mut self, line: &Line) -> anyhow::Result<Vec<usize>> {
        match (&line.sites, &line.uplink, line.uplinks, line.share) {
            (Some(ids), None, None, None) => ids.iter().map(|id| self.site(id)).collect(),
            (None, Some(uplink), None, None) => {
                let behind = self.behind(uplink);
                anyhow::ensure!(!behind.is_empty(), "no site hangs on uplink {uplink:?}");
                Ok(behind)
            }
            (None, None, Some(count), None) => Ok(self.draw_uplinks(count)),
            (None, None, None, Some(share)) if (0.0..=1.0).contains(&share) => {
                Ok(self.draw_sites(share))
            }
            _ => anyhow::bail!(
                "{}: say one of `sites`, `uplink`, `uplinks` and `share` (0 to 1)",
                line.fault.label()
            ),
        }
    }

    fn site(&self, id: &str) -> anyhow::Result<usize> {
        let found = self.places.iter().position(|place| place.id == id);
        found.ok_or_else(|| anyhow::anyhow!("there is no site {id:?} in this province"))
    }

    fn behind(&self, uplink: &str) -> Vec<usize> {
        (0..self.places.len()).filter(|site| self.places[*site].uplink == uplink).collect()
    }

    /// Uplinks of communes, so that the chair's room is not cut off.
    fn draw_uplinks(&mut self, count: usize) -> Vec<usize> {
        let mut behind: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (site, place) in self.places.iter().enumerate() {
            behind.entry(&place.uplink).or_default().push(site);
        }
        let fit = |sites: &Vec<usize>| {
            sites.len() >= BEHIND_AN_UPLINK
                && sites.iter().all(|site| {
                    self.spells[*site].is_empty() && self.places[*site].level == Level::Commune
                })
        };
        let mut fit: Vec<Vec<usize>> = behind.into_values().filter(fit).collect();
        self.dice.shuffle(&mut fit);
        fit.into_iter().take(count).flatten().collect()
    }

    fn draw_sites(&mut self, share: f64) -> Vec<usize> {
        let mut well: Vec<usize> =
            (0..self.places.len()).filter(|site| self.spells[*site].is_empty()).collect();
        self.dice.shuffle(&mut well);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of the number of sites"
        )]
        let count = (share * self.places.len() as f64).round() as usize;
        well.truncate(if share > 0.0 { count.max(1) } else { 0 });
        well
    }
}

/// The faults of all, one line a site, for people.
pub(crate) fn list(places: &[Place], spells: &[Vec<Spell>]) -> Vec<String> {
    let troubled = places.iter().zip(spells).filter(|(_, spells)| !spells.is_empty());
    let line = |(place, spells): (&Place, &Vec<Spell>)| {
        let told: BTreeSet<String> = spells.iter().map(tell).collect();
        let told: Vec<String> = told.into_iter().collect();
        format!("{}  {:<24} {}, {}", place.id, told.join(", "), place.name, place.uplink)
    };
    troubled.map(line).collect()
}

fn tell(spell: &Spell) -> String {
    let span = |millis| Span(std::time::Duration::from_millis(millis)).to_string();
    let from = (spell.from > 0).then(|| format!(" from {}", span(spell.from)));
    let to = (spell.until < u64::MAX).then(|| format!(" to {}", span(spell.until)));
    format!("{}{}{}", spell.fault.label(), from.unwrap_or_default(), to.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::province::places;

    fn script(lines: &str) -> Script {
        yaml::read(Path::new("script.yaml"), &format!("faults:\n{lines}")).unwrap()
    }

    fn count(spells: &[Vec<Spell>], fault: Fault) -> usize {
        spells.iter().flatten().filter(|spell| spell.fault == fault).count()
    }

    #[test]
    fn a_bad_morning_has_every_fault_and_no_site_two() {
        for sites in [40, 356, 10_000] {
            let places = places(sites, 1);
            let spells = Script::read(None).unwrap().cast(&places, 1).unwrap();
            for fault in Fault::ALL {
                assert!(count(&spells, fault) > 0, "{fault:?} of {sites}");
            }
            assert!(spells.iter().all(|spells| spells.len() <= 1));
        }
    }

    #[test]
    fn whoever_is_named_is_befallen_and_drawn_for_nothing_else() {
        let places = places(40, 1);
        let named = script(
            "  - { fault: lossy_line, share: 1.0 }\n  - { fault: camera_unplugged, sites: [xa-0003], from: 1m, to: 2m }\n",
        );
        let spells = named.cast(&places, 1).unwrap();
        let camera = Spell { fault: Fault::CameraUnplugged, from: 60_000, until: 120_000 };
        let site = places.iter().position(|place| place.id == "xa-0003").unwrap();
        assert_eq!(spells[site], [camera]);
        assert_eq!(count(&spells, Fault::LossyLine), 39);
    }

    #[test]
    fn a_cut_uplink_takes_all_its_sites() {
        let places = places(40, 1);
        let spells = script("  - { fault: line_cut, uplinks: 1 }\n").cast(&places, 3).unwrap();
        let cut = places.iter().zip(&spells).filter(|(_, spells)| !spells.is_empty());
        let uplinks: BTreeSet<_> = cut.map(|(place, _)| &place.uplink).collect();
        assert_eq!(uplinks.len(), 1);
        let all = places.iter().filter(|place| uplinks.contains(&place.uplink)).count();
        assert_eq!(count(&spells, Fault::LineCut), all);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let places = places(40, 1);
        for (line, told) in [
            ("sites: [xa-9999]", "there is no site \"xa-9999\""),
            ("uplink: pop", "no site hangs on uplink \"pop\""),
            ("from: 1m", "say one of"),
            ("share: 2", "say one of"),
            ("share: 0.1, uplinks: 1", "say one of"),
        ] {
            let script = script(&format!("  - {{ fault: line_cut, {line} }}\n"));
            let error = script.cast(&places, 1).unwrap_err().to_string();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
