use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use wire::profile::RefusedProfile;

use super::*;

const TRIAL: Trial = Trial { sites: 2, lasts: Duration::from_mins(1) };

fn site(name: &str) -> SiteId {
    name.parse().unwrap()
}

fn text(address: &str) -> Arc<Text> {
    let probe = json!({ "icmp": { "host": address } });
    Arc::new(Text::new(Document { probes: [("mcu".parse().unwrap(), probe)].into() }))
}

fn fleet(address: &str) -> Texts {
    ["a", "b", "c", "d"].map(|name| (site(name), text(address))).into()
}

fn well(_: &SiteId) -> Look {
    Look { up: true, ..Look::default() }
}

/// Well, and heard at that moment.
fn heard(at: UnixMillis) -> impl Fn(&SiteId) -> Look {
    move |site| Look { heard_at: at, ..well(site) }
}

/// Every site runs what it is offered, and says so.
fn obey(rollout: &mut Rollout) {
    for site in rollout.wanted.keys().cloned().collect::<Vec<_>>() {
        let running = rollout.offer(&site).map(|text| text.etag.clone());
        rollout.heard(&site, Standing { running, refused: None });
    }
}

/// A fleet that runs `address` for good, and a file that says `next`.
fn changed(address: &str, next: &str) -> Rollout {
    let mut rollout = Rollout::restore(fleet(address));
    assert!(rollout.want(fleet(address), TRIAL));
    assert_eq!(rollout.phase(), &Phase::Settled, "nothing has changed");
    obey(&mut rollout);
    assert!(rollout.want(fleet(next), TRIAL));
    rollout
}

fn offered(rollout: &Rollout, name: &str) -> Option<Box<str>> {
    rollout.offer(&site(name)).map(|text| text.etag.clone())
}

#[test]
fn a_change_is_tried_on_a_few_and_then_given_to_all() {
    let mut rollout = changed("10.0.0.1", "10.0.0.2");
    assert_eq!(rollout.step(0, well), Some(Event::Tried(vec![site("a"), site("b")])));
    let (old, new) = (Some(text("10.0.0.1").etag.clone()), Some(text("10.0.0.2").etag.clone()));
    let offers = ["a", "b", "c", "d"].map(|name| offered(&rollout, name));
    assert_eq!(offers, [new.clone(), new.clone(), old.clone(), old]);
    obey(&mut rollout);
    assert_eq!(rollout.step(1_000, well), None);
    assert_eq!(rollout.step(90_000, heard(60_999)), None, "it may have died since");
    assert_eq!(rollout.step(90_000, heard(61_000)), Some(Event::Proved));
    assert_eq!(offered(&rollout, "d"), new);
}

#[test]
fn a_change_that_does_harm_is_taken_back_whatever_the_harm() {
    type Harm = fn(&mut Rollout) -> Box<dyn Fn(&SiteId) -> Look>;
    let refused: Harm = |rollout| {
        let refused = RefusedProfile { etag: text("10.0.0.2").etag.clone(), reason: "no".into() };
        rollout.heard(&site("b"), Standing { running: None, refused: Some(refused) });
        Box::new(well)
    };
    let silent: Harm = |rollout| {
        obey(rollout);
        rollout.step(500, well);
        Box::new(|_| Look::default())
    };
    let failing: Harm = |rollout| {
        obey(rollout);
        Box::new(|_| Look { failing: ["mcu".parse().unwrap()].into(), ..well(&site("a")) })
    };
    for (harm, said) in [
        (refused, "b refused it: no"),
        (silent, "silent since they run it: a, b"),
        (failing, "mcu fails at all 2 sites that try it"),
    ] {
        let mut rollout = changed("10.0.0.1", "10.0.0.2");
        rollout.step(0, well);
        let look = harm(&mut rollout);
        assert_eq!(rollout.step(1_000, look), Some(Event::Withdrew(said.to_owned())));
        let old = Some(text("10.0.0.1").etag.clone());
        for name in ["a", "b", "c", "d"] {
            assert_eq!(offered(&rollout, name), old, "{said}");
        }
        assert_eq!(rollout.step(10_000_000, well), None, "until the file changes");
    }
}

#[test]
fn one_room_with_a_fault_of_its_own_takes_nothing_back() {
    let mut rollout = changed("10.0.0.1", "10.0.0.2");
    rollout.step(0, well);
    obey(&mut rollout);
    let power_cut = |id: &SiteId| Look { up: *id != site("b"), ..well(id) };
    rollout.step(0, well);
    assert_eq!(rollout.step(0, power_cut), Some(Event::Tried(vec![site("c")])));
    obey(&mut rollout);
    let one = |id: &SiteId| {
        let failing = if *id == site("a") { ["mcu".parse().unwrap()].into() } else { [].into() };
        Look { failing, ..heard(61_000)(id) }
    };
    assert_eq!(rollout.step(1_000, |id| Look { heard_at: 0, ..one(id) }), None);
    assert_eq!(rollout.step(61_000, one), Some(Event::Proved));
}

#[test]
fn a_fault_at_the_first_site_to_take_it_waits_for_the_others() {
    let mut rollout = changed("10.0.0.1", "10.0.0.2");
    rollout.step(0, well);
    let running = offered(&rollout, "a");
    rollout.heard(&site("a"), Standing { running: running.clone(), refused: None });
    let failing =
        |_: &SiteId| Look { failing: ["mcu".parse().unwrap()].into(), ..well(&site("a")) };
    assert_eq!(rollout.step(1_000, failing), None, "b may do better");
    rollout.heard(&site("b"), Standing { running, refused: None });
    let said = "mcu fails at all 2 sites that try it".to_owned();
    assert_eq!(rollout.step(2_000, failing), Some(Event::Withdrew(said)));
}

#[test]
fn nothing_is_tried_where_a_meeting_is_near_or_nobody_is() {
    let mut rollout = changed("10.0.0.1", "10.0.0.2");
    let look =
        |id: &SiteId| Look { up: *id != site("a"), busy: *id == site("b"), ..Look::default() };
    assert_eq!(rollout.step(0, look), Some(Event::Tried(vec![site("c"), site("d")])));
}

#[test]
fn a_site_that_is_switched_off_before_it_takes_the_profile_is_replaced() {
    let mut rollout = changed("10.0.0.1", "10.0.0.2");
    rollout.step(0, well);
    let look = |id: &SiteId| Look { up: *id != site("a"), ..Look::default() };
    assert_eq!(rollout.step(1_000, look), Some(Event::Tried(vec![site("c")])));
    assert_eq!(offered(&rollout, "a"), Some(text("10.0.0.1").etag.clone()));
}

#[test]
fn different_profiles_are_each_tried() {
    let mut rollout = Rollout::restore(Texts::new());
    let mut wanted = fleet("10.0.0.1");
    wanted.insert(site("d"), text("10.0.0.4"));
    rollout.want(wanted, TRIAL);
    for name in ["a", "b", "c", "d"] {
        rollout.heard(&site(name), Standing::default());
    }
    assert_eq!(rollout.step(0, well), Some(Event::Tried(vec![site("a"), site("d")])));
    assert_eq!(offered(&rollout, "b"), None, "and ran nothing of ours before");
}

#[test]
fn whoever_ran_nothing_before_is_given_nothing_back() {
    let mut rollout = Rollout::restore(Texts::new());
    rollout.want(fleet("10.0.0.1"), TRIAL);
    for name in ["a", "b", "c", "d"] {
        rollout.heard(&site(name), Standing::default());
    }
    rollout.step(0, well);
    obey(&mut rollout);
    assert_eq!(rollout.step(0, well), None);
    assert!(matches!(rollout.step(1, |_| Look::default()), Some(Event::Withdrew(_))));
    let nothing = Text::new(Document::default()).etag;
    assert_eq!(offered(&rollout, "b"), Some(nothing), "the poisoned one has to go");
    assert_eq!(offered(&rollout, "c"), None);
}

proptest! {
    #[test]
    fn a_change_under_trial_never_reaches_more_than_the_few(
        ups in prop::collection::vec(any::<[bool; 4]>(), 1..20),
        obeys in any::<bool>(),
    ) {
        let mut rollout = changed("10.0.0.1", "10.0.0.2");
        let new = text("10.0.0.2").etag.clone();
        for (now, up) in (0_i64..).zip(ups) {
            let names = ["a", "b", "c", "d"];
            let look = |id: &SiteId| {
                let place = names.iter().position(|name| *name == id.as_str()).unwrap();
                Look { up: up[place], ..Look::default() }
            };
            rollout.step(now, look);
            if obeys {
                obey(&mut rollout);
            }
            let have = names.iter().filter(|name| offered(&rollout, name).as_ref() == Some(&new));
            prop_assert!(have.count() <= TRIAL.sites);
        }
    }
}
