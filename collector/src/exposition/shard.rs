//! A part of the sites, for fleets too large for one scrape. Pure.

use wire::SiteId;

/// Parts there may be. At 1,000 the largest fleet comes in parts of a hundred sites.
const SHARDS: u32 = 1_000;

/// One part of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// Reads `shard=0&shards=4` from an address' query; neither word means everything.
    ///
    /// # Errors
    /// Words that make no sense, told in one line (400).
    pub fn from_query(query: Option<&str>) -> Result<Option<Self>, String> {
        let (mut index, mut count) = (None, None);
        for (name, value) in query.unwrap_or_default().split('&').filter_map(|w| w.split_once('='))
        {
            let place = match name {
                "shard" => &mut index,
                "shards" => &mut count,
                _ => continue,
            };
            let number = value.parse().map_err(|_| format!("{name}={value} is not a number"))?;
            *place = Some(number);
        }
        match (index, count) {
            (None, None) => Ok(None),
            (Some(index), Some(count)) if (1..=SHARDS).contains(&count) && index < count => {
                Ok(Some(Self { index, count }))
            }
            (Some(index), Some(count)) => Err(format!(
                "shard={index} of shards={count}: there are 1 to {SHARDS} shards, counted from 0"
            )),
            _ => Err("shard and shards go together, as in ?shard=0&shards=4".to_owned()),
        }
    }

    /// Whether a site belongs to it. The same for ever: a series that moved to another scrape
    /// target would be another series.
    pub(super) fn holds(self, site: &SiteId) -> bool {
        // FNV-1a, 32 bits: fixed by its specification, unlike the standard library's hash.
        let hash = site
            .as_str()
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        hash % self.count == self.index
    }

    /// Whether it also brings what is not of any site, which must come only once.
    pub(super) fn is_first(self) -> bool {
        self.index == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_words_or_none() {
        assert_eq!(Shard::from_query(None), Ok(None));
        assert_eq!(Shard::from_query(Some("pretty=1")), Ok(None));
        assert_eq!(
            Shard::from_query(Some("shards=4&shard=3")),
            Ok(Some(Shard { index: 3, count: 4 }))
        );
        for bad in
            ["shard=1", "shards=4", "shard=4&shards=4", "shard=0&shards=0", "shard=x&shards=2"]
        {
            assert!(Shard::from_query(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_site_is_in_exactly_one_shard_and_they_are_of_a_size() {
        let shards: Vec<_> = (0..4).map(|index| Shard { index, count: 4 }).collect();
        let mut sizes = [0; 4];
        for number in 0..1000 {
            let site: SiteId = format!("th-{number:04}").parse().unwrap();
            let holders: Vec<_> = (0..4).filter(|i| shards[*i].holds(&site)).collect();
            assert_eq!(holders.len(), 1);
            sizes[holders[0]] += 1;
        }
        assert!(sizes.iter().all(|size| (200..300).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_site_stays_in_its_shard_over_versions() {
        let site: SiteId = "th-0316".parse().unwrap();
        let index = (0..16).find(|&index| Shard { index, count: 16 }.holds(&site));
        assert_eq!(index, Some(6));
    }
}
