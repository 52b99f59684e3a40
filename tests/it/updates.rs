//! New versions of the agent, signed and offered in stages: a good one goes through, a bad one
//! is refused or taken back by itself, and none comes near a meeting. Real processes on both sides.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::ledger;
use tests::operator::Operator;
use tests::program::said;
use tests::wait;

const SITE: &str = "th-1";

/// One site first, and more as soon as may be.
fn collector(keys: &str) -> Collector {
    with_meetings(&[SITE], keys, "meetings: []\n")
}

fn with_meetings(sites: &[&str], keys: &str, meetings: &str) -> Collector {
    let updates = format!(
        "updates: {{ keys: [\"{keys}\"], stages: {{ sites: 1, share: 50, lasts: 5s }}, megabits: 1000 }}\n"
    );
    Collector::start_with(&inventory(sites), &updates, meetings)
}

/// An agent that believes `key`, with the shortest trial there is.
fn agent(collector: &Collector, site: &str, key: &str) -> Agent {
    Agent::start(&config(key, true), &collector.code(site))
}

fn config(key: &str, enabled: bool) -> String {
    format!(
        "report_every: 5s\nupdates: {{ keys: [\"{key}\"], enabled: {enabled}, trial: 10s }}\nprobes: {{ clock: {{ every: 5s, clock: {{}} }} }}\n"
    )
}

fn page(collector: &Collector) -> Value {
    collector.get("/api/v1/updates", &[]).json()
}

/// Waits until all sites stand so.
#[track_caller]
fn stand(collector: &Collector, sites: usize, state: &str) -> Value {
    wait::until(state, || {
        let page = page(collector);
        let lines = page["sites"].as_array().cloned().unwrap_or_default();
        let fits = lines.iter().filter(|line| line["state"] == state).count();
        if fits == sites { Ok(page) } else { Err(format!("{page:#}")) }
    })
}

/// Waits until the release is withdrawn for that reason.
#[track_caller]
fn withdrawn(collector: &Collector, reason: &str) {
    wait::until("a withdrawal", || {
        let page = page(collector);
        let told = page["reason"].as_str().unwrap_or_default();
        let withdrawn = page["phase"] == "withdrawn" && told.contains(reason);
        wait::seen(withdrawn, || format!("{page:#}"))
    });
    collector.wait_for("nhipcau_collector_update_withdrawn", &[], |value| value > 0.5);
    let output = collector.do_command(&["update", "status"]);
    assert!(said(&output).contains(reason), "{}", said(&output));
}

#[track_caller]
fn reports_with(collector: &Collector, site: &str, version: &str) {
    let labels = [("site", site), ("version", version)];
    collector.wait_for("bridge_agent_info", &labels, |value| value > 0.5);
}

/// The version of this repository, which is installed everywhere here.
const INSTALLED: &str = env!("CARGO_PKG_VERSION");

fn identity(agent: &Agent) -> Vec<u8> {
    fs::read(agent.state_dir().join("identity.json")).unwrap()
}

#[test]
fn a_signed_version_goes_out_in_stages_and_the_pc_stays_who_it_is() {
    const SITES: [&str; 3] = ["th-1", "th-2", "th-3"];
    let operator = Operator::new();
    let mut collector = with_meetings(&SITES, &operator.key, "meetings: []\n");
    let mut agents = SITES.map(|site| agent(&collector, site, &operator.key));
    stand(&collector, SITES.len(), "current");
    let (identity_before, before) = (identity(&agents[0]), ledger::totals(agents[0].state_dir()));

    operator.offer(&collector, &operator.agent("9.0.0"));
    wait::until("a first site", || {
        let page = page(&collector);
        wait::seen(
            page["stage"] == "trial" && page.to_string().contains("offered_since\":\"2"),
            || format!("{page:#}"),
        )
    });
    // In the midst of it the collector starts again.
    collector.stop();
    collector.run();
    let page = stand(&collector, SITES.len(), "current");
    assert_eq!((&page["phase"], &page["stage"]), (&"rolling".into(), &"all".into()), "{page:#}");
    for site in SITES {
        reports_with(&collector, site, "9.0.0");
    }
    // In order, and the PC is who it was.
    let since = |site: &str| {
        let line = page["sites"].as_array().unwrap().iter().find(|line| line["site"] == site);
        line.unwrap()["offered_since"].as_str().unwrap().to_owned()
    };
    assert!(since("th-1") < since("th-2") && since("th-1") < since("th-3"), "{page:#}");
    assert_eq!(identity(&agents[0]), identity_before);
    let after = ledger::totals(agents[0].state_dir());
    assert!(after.produced > before.produced && (after.refused, after.evicted) == (0, 0));

    // It stays over a restart, until it is switched off on the PC itself.
    let agent = &mut agents[0];
    agent.stop();
    agent.run();
    agent.program().hear("the update", |line| line.contains("version=\"9.0.0\"").then_some(()));
    agent.stop();
    agent.configure(&config(&operator.key, false));
    agent.run();
    reports_with(&collector, "th-1", INSTALLED);
    let other = stand(&collector, SITES.len() - 1, "current");
    assert_eq!(other["sites"].as_array().unwrap().len(), 2, "one takes none any more: {other:#}");
}

#[test]
fn what_the_operator_has_not_signed_runs_nowhere() {
    // Whoever has taken the collector has a key of his own there, and nothing of the agents'.
    let (operator, thief) = (Operator::new(), Operator::new());
    let collector = collector(&thief.key);
    let agent = agent(&collector, SITE, &operator.key);
    thief.offer(&collector, &thief.impostor("9.0.0", "touch stolen"));
    withdrawn(&collector, "gave it up: its signature is by none of the keys");
    reports_with(&collector, SITE, INSTALLED);
    assert!(!agent.state_dir().join("updates").exists(), "nothing of it was kept");
}

/// The one program that the collector keeps.
fn kept(collector: &Collector) -> std::path::PathBuf {
    let mut files = fs::read_dir(collector.state_dir().join("updates")).unwrap();
    files.next().unwrap().unwrap().path()
}

fn spoil(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut program = fs::read(path).unwrap();
    change(&mut program);
    let new = path.with_extension("spoilt");
    fs::write(&new, program).and_then(|()| fs::rename(new, path)).unwrap();
}

#[test]
fn a_truncated_or_changed_program_is_refused_before_it_runs() {
    let cut: fn(&mut Vec<u8>) = |program| program.truncate(program.len() - 10);
    let changed: fn(&mut Vec<u8>) = |program| program[5] ^= 1;
    for (spoiled, reason) in
        [(cut, "bytes of it where"), (changed, "not the program that was signed")]
    {
        let operator = Operator::new();
        let collector = collector(&operator.key);
        let program = operator.impostor("9.0.0", "touch ran");
        operator.offer(&collector, &program);
        // Nobody is there yet who could have fetched it.
        spoil(&kept(&collector), spoiled);
        let _agent = agent(&collector, SITE, &operator.key);
        withdrawn(&collector, reason);
        reports_with(&collector, SITE, INSTALLED);
    }
}

#[test]
fn a_version_that_dies_or_never_reports_gives_way_to_the_one_before() {
    for (deed, reason) in [
        ("exit 3", "gave it up: it ended on trial: exit status: 3"),
        ("cat >/dev/null", "silent since they took it: th-1"),
    ] {
        let operator = Operator::new();
        let collector = collector(&operator.key);
        let agent = agent(&collector, SITE, &operator.key);
        let before = identity(&agent);
        operator.offer(&collector, &operator.impostor("9.0.0", deed));
        withdrawn(&collector, reason);
        reports_with(&collector, SITE, INSTALLED);
        collector.wait_for_reports(SITE, 2);
        assert_eq!(identity(&agent), before);
        let totals = ledger::totals(agent.state_dir());
        assert_eq!((totals.refused, totals.evicted), (0, 0));

        // One that is mended goes through.
        operator.offer(&collector, &operator.agent("9.0.1"));
        reports_with(&collector, SITE, "9.0.1");
        stand(&collector, 1, "current");
    }
}

#[test]
fn within_two_hours_of_a_meeting_a_site_is_left_alone() {
    let meeting = |minutes: i64| {
        let start = wait::utc(wait::now() + minutes * 60_000);
        format!(
            "meetings:\n  - {{ id: giao-ban, title: Giao ban, start: \"{start}\", duration: 30m, sites: {{ ids: [{SITE}] }} }}\n"
        )
    };
    let operator = Operator::new();
    let sites = [SITE, "th-2"];
    let collector = with_meetings(&sites, &operator.key, &meeting(100));
    let _agents = sites.map(|site| agent(&collector, site, &operator.key));
    stand(&collector, 2, "current");
    operator.offer(&collector, &operator.agent("9.0.0"));
    // The other site is not in the meeting, and goes first.
    reports_with(&collector, "th-2", "9.0.0");
    wait::until("the last stage", || {
        let page = page(&collector);
        wait::seen(page["stage"] == "all", || format!("{page:#}"))
    });
    stand(&collector, 1, "waiting");
    reports_with(&collector, SITE, INSTALLED);
    collector.write_meetings(&meeting(200));
    reports_with(&collector, SITE, "9.0.0");
    stand(&collector, 2, "current");
}

#[test]
fn going_back_is_signed_by_itself_and_an_old_manifest_cannot_be_brought_again() {
    let operator = Operator::new();
    let collector = collector(&operator.key);
    let _agent = agent(&collector, SITE, &operator.key);
    let (old, new) = (operator.agent("9.0.0"), operator.agent("9.1.0"));
    operator.sign(&old, &[]);
    operator.offer(&collector, &new);
    reports_with(&collector, SITE, "9.1.0");
    stand(&collector, 1, "current");

    let offer = |program: &Path| {
        let output = collector.do_command(&["update", "offer", program.to_str().unwrap()]);
        assert!(output.status.success(), "{}", said(&output));
    };
    // Signed before the other, and not to go back: not even offered.
    offer(&old);
    stand(&collector, 1, "waiting");
    operator.sign(&old, &["--downgrade"]);
    offer(&old);
    reports_with(&collector, SITE, "9.0.0");
    stand(&collector, 1, "current");
}
