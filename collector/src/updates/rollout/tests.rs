use std::time::Duration;

use proptest::prelude::*;
use wire::duration::Span;
use wire::update::Manifest;

use super::*;

const HOUR: UnixMillis = 60 * 60 * 1000;

/// Three first, then a fifth.
const STAGES: Stages = Stages { sites: 3, share: 20, lasts: Span(Duration::from_hours(1)) };

const SITES: usize = 30;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn release(downgrade: bool) -> Release {
    let manifest = Manifest {
        version: version("0.2.0"),
        platform: "linux-x86_64".into(),
        size: 1,
        sha256: [0; 32],
        signed_at: 1,
        downgrade,
    };
    let offer = Offer { id: "new".into(), text: "".into(), manifest };
    Release { version: version("0.2.0"), offers: [("linux-x86_64".into(), offer)].into() }
}

fn sites() -> Vec<SiteId> {
    (0..SITES).map(|index| format!("s{index:02}").parse().unwrap()).collect()
}

fn standing(platform: &str) -> Standing {
    Standing { platform: platform.into(), ..Standing::default() }
}

/// A fleet whose agents say what they do.
struct Fleet {
    rollout: Rollout,
    standings: Standings,
}

impl Fleet {
    fn new() -> Self {
        let phase = Phase::Rolling(Stage::Trial);
        let rollout = Rollout::restore(release(false), STAGES, phase, []);
        let standings = sites().into_iter().map(|site| (site, standing("linux-x86_64"))).collect();
        Self { rollout, standings }
    }

    fn step(&mut self, now: UnixMillis) -> Option<Event> {
        self.step_with(now, |_, look| look)
    }

    /// A step where `change` says how a site differs from a healthy one.
    fn step_with(
        &mut self,
        now: UnixMillis,
        change: impl Fn(&SiteId, Look) -> Look,
    ) -> Option<Event> {
        let well = Look { up: true, heard_at: now, busy: false, version: Some(version("0.1.0")) };
        self.rollout.step(now, &self.standings, |site| change(site, well))
    }

    fn offered(&self) -> Vec<SiteId> {
        let offered = self
            .standings
            .iter()
            .filter(|(site, standing)| self.rollout.offer(site, standing).is_some());
        offered.map(|(site, _)| site.clone()).collect()
    }

    /// Everybody takes what is offered.
    fn obey(&mut self) {
        for site in self.offered() {
            self.standings.get_mut(&site).unwrap().running = Some("new".into());
        }
    }

    fn gives_up(&mut self, site: &SiteId, how: How) {
        let failed = Failed { id: "new".into(), how, reason: "no good".into() };
        let standing = self.standings.get_mut(site).unwrap();
        (standing.running, standing.failed) = (None, Some(failed));
    }
}

#[test]
fn a_release_goes_to_a_few_then_to_a_share_then_to_all() {
    let mut fleet = Fleet::new();
    assert_eq!(fleet.step(0), Some(Event::Chose(sites()[..3].to_vec())));
    assert_eq!(fleet.offered(), sites()[..3]);
    fleet.obey();
    assert_eq!(fleet.step(1), None);
    assert_eq!(fleet.step(HOUR), None, "it has not run for an hour yet");
    assert_eq!(fleet.step(HOUR + 1), Some(Event::Widened(Stage::Share)));
    assert_eq!(fleet.step(HOUR + 1), Some(Event::Chose(sites()[3..6].to_vec())), "a fifth of 30");
    fleet.obey();
    assert_eq!(fleet.step(HOUR + 2), None);
    assert_eq!(fleet.step(2 * HOUR + 2), Some(Event::Widened(Stage::All)));
    assert_eq!(fleet.step(2 * HOUR + 2), Some(Event::Chose(sites()[6..].to_vec())));
    fleet.obey();
    assert_eq!(fleet.step(9 * HOUR), None);
    assert_eq!(fleet.rollout.phase(), &Phase::Rolling(Stage::All));
}

#[test]
fn a_release_that_does_harm_on_trial_is_withdrawn_whatever_the_harm() {
    type Harm = fn(&mut Fleet) -> Option<Event>;
    let refused: Harm = |fleet| {
        fleet.gives_up(&sites()[1], How::Refused);
        fleet.step(2)
    };
    let died: Harm = |fleet| {
        fleet.gives_up(&sites()[1], How::Died);
        fleet.step(2)
    };
    let silent: Harm = |fleet| {
        fleet.obey();
        fleet.step(1);
        fleet.step_with(2, |site, look| Look { up: *site == sites()[0], ..look })
    };
    let without_reports: Harm = |fleet| {
        fleet.gives_up(&sites()[0], How::Silent);
        fleet.step(2)
    };
    for (harm, said) in [
        (refused, "s01 gave it up: no good"),
        (died, "s01 gave it up: no good"),
        (silent, "silent since they took it: s01, s02"),
        (without_reports, "silent since they took it: s00"),
    ] {
        let mut fleet = Fleet::new();
        fleet.step(0);
        assert_eq!(harm(&mut fleet), Some(Event::Withdrew(said.to_owned())));
        assert_eq!(fleet.offered(), []);
        assert_eq!(fleet.step(9 * HOUR), None, "until another is offered");
    }
}

#[test]
fn one_room_with_a_fault_of_its_own_withdraws_nothing() {
    let mut fleet = Fleet::new();
    fleet.step(0);
    fleet.obey();
    fleet.step(1);
    fleet.gives_up(&sites()[0], How::Silent);
    assert_eq!(fleet.step(2), None);
    assert_eq!(fleet.step(HOUR + 1), Some(Event::Widened(Stage::Share)));
}

#[test]
fn beyond_the_trial_it_takes_one_in_ten() {
    let mut fleet = Fleet::new();
    for now in [0, 1, HOUR + 1, HOUR + 1, HOUR + 2, 2 * HOUR + 2, 2 * HOUR + 2, 2 * HOUR + 3] {
        fleet.step(now);
        fleet.obey();
    }
    assert_eq!(fleet.rollout.phase(), &Phase::Rolling(Stage::All));
    for (index, site) in sites()[..3].iter().enumerate() {
        fleet.gives_up(site, How::Died);
        assert_eq!(fleet.step(3 * HOUR), None, "{index}");
    }
    fleet.gives_up(&sites()[3], How::Died);
    let Some(Event::Withdrew(reason)) = fleet.step(3 * HOUR) else { panic!("goes on") };
    assert!(reason.contains("sites gave it up, as s00: no good"), "{reason}");
}

#[test]
fn it_is_offered_to_nobody_who_meets_soon_is_away_or_cannot_run_it() {
    let mut fleet = Fleet::new();
    fleet.standings.insert(sites()[2].clone(), standing("windows-x86_64"));
    let change = |site: &SiteId, look: Look| match site.as_str() {
        "s00" => Look { busy: true, ..look },
        "s01" => Look { up: false, ..look },
        "s03" => Look { version: Some(version("0.2.0")), ..look },
        "s04" => Look { version: Some(version("0.3.0")), ..look },
        _ => look,
    };
    let chosen = fleet.step_with(0, change);
    assert_eq!(chosen, Some(Event::Chose(sites()[5..8].to_vec())));
}

#[test]
fn only_what_is_signed_to_go_back_is_offered_to_a_higher_version() {
    let newer = |_: &SiteId, look: Look| Look { version: Some(version("0.3.0")), ..look };
    let mut fleet = Fleet::new();
    assert_eq!(fleet.step_with(0, newer), None);
    fleet.rollout.release = release(true);
    assert_eq!(fleet.step_with(0, newer), Some(Event::Chose(sites()[..3].to_vec())));
}

#[test]
fn who_is_switched_off_before_taking_it_makes_place() {
    let mut fleet = Fleet::new();
    fleet.step(0);
    let away = |site: &SiteId, look: Look| Look { up: *site != sites()[0], ..look };
    assert_eq!(fleet.step_with(1, away), Some(Event::Chose(vec![sites()[3].clone()])));
    assert_eq!(fleet.offered(), sites()[1..4]);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let chosen = sites().into_iter().take(3).map(|site| (site, 0));
    let phase = Phase::Rolling(Stage::Trial);
    let rollout = Rollout::restore(release(false), STAGES, phase, chosen);
    let mut fleet = Fleet { rollout, standings: Standings::new() };
    assert_eq!(fleet.step(1), None, "nobody has spoken yet");
    let all = sites().into_iter().map(|site| (site, standing("linux-x86_64")));
    fleet.standings = all.collect();
    assert_eq!(fleet.step(2), None);
    assert_eq!(fleet.offered(), sites()[..3]);
}

proptest! {
    #[test]
    fn a_release_on_trial_never_reaches_more_than_the_few(
        steps in prop::collection::vec((any::<[bool; 6]>(), any::<bool>()), 1..20),
    ) {
        let mut fleet = Fleet::new();
        for (now, (up, obeys)) in (0_i64..).zip(steps) {
            let place = |site: &SiteId| sites().iter().position(|other| other == site).unwrap();
            fleet.step_with(now, |site, look| Look { up: up[place(site) % 6], ..look });
            if obeys {
                fleet.obey();
            }
            if fleet.rollout.phase() == &Phase::Rolling(Stage::Trial) {
                prop_assert!(fleet.offered().len() <= STAGES.sites);
            }
        }
    }
}
