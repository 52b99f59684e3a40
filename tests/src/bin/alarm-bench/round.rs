//! One round: every site fails once, each at a moment of its own, and all is watched.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::dice::Dice;
use tests::wait;
use wire::UnixMillis;

use crate::Fault;
use crate::sites::Sites;

/// Over which the faults of a round are spread: a whole number of every interval on the way, so
/// that each phase of each is as likely.
const SPREAD_MILLIS: u64 = 15_000;

/// Between two looks: what the numbers are good for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// When a look is the last one, whatever is missing.
const PATIENCE_MILLIS: UnixMillis = 120_000;

const METRIC: &str =
    r#"max by (site) (bridge_meeting_site_state{state=~"not_ready|unknown"}) == 1"#;
const FIRING: &str = r#"max by (site) (ALERTS{alertname="SiteNotReady", alertstate="firing"})"#;

/// What is measured, in the order of the way.
pub(crate) const STAGES: [&str; 4] = [
    "verdict in the API",
    "metric in Prometheus",
    "alert firing",
    "message (waits up to 15 s for its group)",
];

/// Milliseconds from the fault to each stage; `None` where it never came.
pub(crate) type Marks = [Option<UnixMillis>; STAGES.len()];

struct Failing {
    site: usize,
    due: UnixMillis,
    failed_at: Option<UnixMillis>,
    marks: Marks,
}

/// Breaks all sites and watches until the last is told of.
pub(crate) fn run(sites: &mut Sites, fault: Fault, dice: &mut Dice) -> Vec<Marks> {
    let begun = wait::now();
    let mut failing: Vec<Failing> = (0..sites.all.len())
        .map(|site| {
            let due = begun.saturating_add_unsigned(dice.between(0, SPREAD_MILLIS));
            Failing { site, due, failed_at: None, marks: Marks::default() }
        })
        .collect();
    let over = |failing: &Failing| failing.marks.iter().all(Option::is_some);
    while !failing.iter().all(over) && wait::now() < begun + PATIENCE_MILLIS {
        for one in failing.iter_mut().filter(|one| one.failed_at.is_none()) {
            let now = wait::now();
            if one.due <= now {
                one.failed_at = Some(now);
                sites.fail(one.site, fault);
            }
        }
        look(sites, begun, &mut failing);
        std::thread::sleep(LOOK_EVERY);
    }
    failing.into_iter().map(|failing| failing.marks).collect()
}

fn look(sites: &Sites, begun: UnixMillis, failing: &mut [Failing]) {
    let seen: [BTreeSet<String>; STAGES.len()] =
        [sites.unwell(), sites.found(METRIC), sites.found(FIRING), sites.told(begun)];
    let now = wait::now();
    for one in failing {
        let Some(failed_at) = one.failed_at else { continue };
        let id = &sites.all[one.site].id;
        for (mark, seen) in one.marks.iter_mut().zip(&seen) {
            if mark.is_none() && seen.contains(id) {
                *mark = Some(now - failed_at);
            }
        }
    }
}
