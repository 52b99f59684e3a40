//! Two running agents with one credential: a disk was copied with its identity. Pure.
//!
//! An agent that is started again has a new boot and never goes back to an old one. So a boot that
//! is heard *after* a later one means that both run:
//!
//! ```text
//!  restart   A A A B B B       clone   A A B A B A       late packet   A A B A B B B
//!                                            │   └ known                     └ once: let pass
//!                                            └ suspected
//! ```
//! From then on the site is the one's that was there first. What the others bring is not taken, so
//! nothing counts for a room it does not come from; they keep their reports and are told. When the
//! one that holds the site falls silent, the next takes its place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;
use wire::{SiteId, UnixMillis};

/// Returns of a boot that was thought to be over. One may be a packet that a proxy held back.
const RETURNS: u32 = 2;

/// Within which they count, and after which a silent agent is forgotten: five times the cadence of
/// agents at rest.
const WINDOW_MILLIS: i64 = 600_000;

/// Agents of one site that are told apart: a fifth copy changes nothing for anybody.
const AGENTS: usize = 4;

/// One running agent, as far as the collector can tell it from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pc {
    /// This start of it.
    pub boot: Uuid,
    /// Where its connection came from: a proxy's or router's address perhaps.
    pub address: IpAddr,
    /// The PC's own name for itself; empty where it did not say.
    pub name: Box<str>,
    /// When it was heard last.
    pub heard_at: UnixMillis,
}

impl Pc {
    /// For a person who looks for it: `PC-HOP (10.1.2.3)`.
    #[must_use]
    pub fn told(&self) -> String {
        let Self { name, address, .. } = self;
        if name.is_empty() { address.to_string() } else { format!("{name} ({address})") }
    }
}

/// Several agents want to be one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// Who counts.
    pub holder: Pc,
    /// Who does not.
    pub rivals: Vec<Pc>,
}

/// What becomes of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is taken; nobody else is there.
    Alone,
    /// It is taken, and there is nobody else any more.
    AloneAgain,
    /// It is taken, and others are not.
    Holder {
        /// Who they are.
        contest: Contest,
        /// Whether nobody knew it before.
        news: bool,
    },
    /// It is not taken.
    Rival {
        /// Who is.
        contest: Contest,
        /// Whether nobody knew it before.
        news: bool,
    },
}

/// Who runs at each site, as all requests share it.
#[derive(Debug, Default)]
pub struct Rivals(Mutex<HashMap<SiteId, Running>>);

#[derive(Debug, Default)]
struct Running {
    /// In the order in which they were heard first.
    agents: Vec<Pc>,
    returns: u32,
    returned_at: UnixMillis,
    contested: bool,
}

impl Rivals {
    /// A batch of `boot` has come from `address`; `name` is the PC's, if it said it this time.
    pub fn admit(
        &self,
        site: &SiteId,
        boot: Uuid,
        (address, name): (IpAddr, Option<&str>),
        now: UnixMillis,
    ) -> Admission {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(site) {
            all.insert(site.clone(), Running::default());
        }
        let Some(running) = all.get_mut(site) else { return Admission::Alone };
        running.forget(now);
        running.hear(Pc { boot, address, name: name.unwrap_or_default().into(), heard_at: now });
        running.judge(boot)
    }

    /// The site has a new credential: whoever ran with the old one is no rival.
    pub fn anew(&self, site: &SiteId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(site);
    }
}

impl Running {
    fn forget(&mut self, now: UnixMillis) {
        let since = now.saturating_sub(WINDOW_MILLIS);
        self.agents.retain(|pc| pc.heard_at >= since);
        if self.returned_at < since && !self.contested {
            self.returns = 0;
        }
    }

    fn hear(&mut self, heard: Pc) {
        let latest = self.agents.iter().max_by_key(|pc| pc.heard_at).map(|pc| pc.boot);
        let newest = self.agents.last().map(|pc| pc.boot);
        let known = self.agents.iter_mut().find(|pc| pc.boot == heard.boot);
        if known.is_some() && latest != Some(heard.boot) && newest != Some(heard.boot) {
            self.returns += 1;
            self.returned_at = heard.heard_at;
        }
        if let Some(known) = known {
            // The name is said once in a while only.
            let name =
                if heard.name.is_empty() { std::mem::take(&mut known.name) } else { heard.name };
            *known = Pc { name, ..heard };
            return;
        }
        self.agents.push(heard);
        // Never the one that holds the site.
        let others = self.agents.iter().enumerate().skip(1);
        if self.agents.len() > AGENTS
            && let Some((oldest, _)) = others.min_by_key(|(_, pc)| pc.heard_at)
        {
            self.agents.remove(oldest);
        }
    }

    fn judge(&mut self, boot: Uuid) -> Admission {
        let news = !self.contested && self.returns >= RETURNS;
        self.contested |= news;
        if !self.contested {
            return Admission::Alone;
        }
        match self.agents.split_first() {
            Some((holder, rivals)) if !rivals.is_empty() => {
                let contest = Contest { holder: holder.clone(), rivals: rivals.to_vec() };
                if holder.boot == boot {
                    Admission::Holder { contest, news }
                } else {
                    Admission::Rival { contest, news }
                }
            }
            _ => {
                (self.contested, self.returns) = (false, 0);
                Admission::AloneAgain
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = 1_795_305_600_000;

    /// What becomes of batches: who sends (a letter), and after how many seconds.
    fn told(script: &[(char, i64)]) -> String {
        let (rivals, site) = (Rivals::default(), "th-0316".parse().unwrap());
        let mut now = NOW;
        let batch = |&(who, after): &(char, i64)| {
            now += after * 1000;
            let (boot, address) = (Uuid::from_u128(who as u128), IpAddr::from([10, 0, 0, 1]));
            match rivals.admit(&site, boot, (address, Some("PC")), now) {
                Admission::Alone => '.',
                Admission::AloneAgain => 'o',
                Admission::Holder { news, .. } => {
                    if news {
                        'H'
                    } else {
                        'h'
                    }
                }
                Admission::Rival { news, .. } => {
                    if news {
                        'R'
                    } else {
                        'r'
                    }
                }
            }
        };
        script.iter().map(batch).collect()
    }

    fn each(boots: &str, after: i64) -> Vec<(char, i64)> {
        boots.chars().map(|boot| (boot, after)).collect()
    }

    #[test]
    fn restarts_are_no_clones_and_clones_are_known_at_the_second_return() {
        for (boots, seconds, expected) in [
            ("AAABBBCCC", 15, "........."),
            // A packet that was held back.
            ("AABABBB", 15, "......."),
            ("AABABAB", 15, ".....Hr"),
            ("ABABAB", 120, "....Hr"),
            ("ABBAABBA", 15, ".......H"),
            // Three copies.
            ("ABCABC", 15, "....Rr"),
        ] {
            let told = told(&each(boots, seconds));
            assert_eq!(told.len(), boots.len());
            assert_eq!(told, expected, "{boots} each {seconds} s");
        }
    }

    #[test]
    fn returns_that_lie_far_apart_are_late_packets() {
        let mut script = each("ABA", 15);
        script.extend(each("BBBBB", 300));
        script.extend(each("CBC", 15));
        assert!(!told(&script).contains(['R', 'r', 'h', 'H']), "{}", told(&script));
    }

    #[test]
    fn when_the_holder_falls_silent_the_next_takes_its_place() {
        let mut script = each("ABABA", 15);
        script.extend(each("BBB", 250));
        assert_eq!(told(&script), "....Hrro");
        // And when the copy is switched off, all is as before.
        let mut script = each("ABABA", 15);
        script.extend(each("AAAA", 250));
        assert_eq!(told(&script), "....Hhho.");
    }

    #[test]
    fn a_new_credential_begins_anew() {
        let (rivals, site) = (Rivals::default(), "th-0316".parse().unwrap());
        let admit = |boot, at| {
            rivals.admit(
                &site,
                Uuid::from_u128(boot),
                (IpAddr::from([10, 0, 0, 1]), None),
                NOW + at,
            )
        };
        for (boot, at) in [1, 2, 1, 2, 1].into_iter().zip(0..) {
            admit(boot, at);
        }
        assert!(matches!(admit(2, 9), Admission::Rival { .. }));
        rivals.anew(&site);
        assert_eq!(admit(3, 10), Admission::Alone);
    }

    #[test]
    fn who_is_who_is_told_also_where_the_name_came_earlier() {
        let (rivals, site) = (Rivals::default(), "th-0316".parse().unwrap());
        let heard = [(1, Some("GOC")), (2, Some("SAO")), (1, None), (2, None), (1, None)];
        let told = heard.into_iter().zip(NOW..).map(|((boot, name), now)| {
            let address = IpAddr::from([10, 0, 0, boot]);
            rivals.admit(&site, Uuid::from_u128(boot.into()), (address, name), now)
        });
        let Some(Admission::Holder { contest, news: true }) = told.last() else {
            panic!("nobody noticed");
        };
        assert_eq!(contest.holder.told(), "GOC (10.0.0.1)");
        assert_eq!(contest.rivals[0].told(), "SAO (10.0.0.2)");
    }
}
