//! Which probes a site runs is written at the collector: tried on a few, given to the rest, and
//! taken back by itself where it does harm. Real processes on both sides.

use std::fs;
use std::net::SocketAddr;

use serde_json::Value;
use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::program::said;
use tests::receiver::web_server;
use tests::wait;

const SITES: [&str; 4] = ["th-1", "th-2", "th-3", "th-4"];

/// A trial on two sites, as short as may be.
fn profiles(probes: &str) -> String {
    format!("trial: {{ sites: 2, lasts: 5s }}\nprofiles:\n  - probes: {{ {probes} }}\n")
}

fn web(target: SocketAddr) -> String {
    let (host, port) = (target.ip(), target.port());
    format!("web: {{ every: 5s, timeout: 2s, tcp: {{ host: {host}, port: {port} }} }}")
}

/// A collector with profiles, and its agents, whose own files name no probes.
fn fleet(probes: &str) -> (Collector, Vec<Agent>) {
    let collector = Collector::start_with_profiles(&inventory(&SITES), &profiles(probes));
    let agents = SITES.map(|site| Agent::start("report_every: 5s\n", &collector.code(site)));
    (collector, agents.into())
}

fn rewrite(collector: &Collector, probes: &str) {
    let file = collector.config().with_file_name("profiles.yaml");
    fs::write(file, profiles(probes)).unwrap();
}

fn page(collector: &Collector) -> Value {
    collector.get("/api/v1/profiles", &[]).json()
}

fn sites(page: &Value) -> Vec<Value> {
    page["sites"].as_array().cloned().unwrap_or_default()
}

#[track_caller]
fn settled(collector: &Collector) -> Value {
    wait::until("settled profiles", || {
        let page = page(collector);
        let sites = sites(&page);
        let current = sites.iter().filter(|site| site["state"] == "current").count();
        let all = page["phase"] == "settled" && current == SITES.len();
        if all { Ok(page) } else { Err(format!("{page:#}")) }
    })
}

/// Waits until the change is withdrawn for this reason and everybody runs what ran before.
#[track_caller]
fn withdrawn(collector: &Collector, before: &Value, reason: &str) {
    wait::until("a withdrawal", || {
        let page = page(collector);
        let running = |page: &Value| -> Vec<Value> {
            sites(page).iter().map(|site| site["running"].clone()).collect()
        };
        let told = page["reason"].as_str().unwrap_or_default();
        let back = page["phase"] == "withdrawn" && running(&page) == running(before);
        wait::seen(back && told.contains(reason), || format!("{page:#}"))
    });
}

/// Waits for a reading of a probe, taken from now on, at every site.
#[track_caller]
fn measured(collector: &Collector, probe: &str) {
    let since = wait::now();
    for site in SITES {
        wait::until("a good reading", || {
            let page = collector.get(&format!("/api/v1/sites/{site}"), &[]).json();
            let readings = page["readings"].as_array().cloned().unwrap_or_default();
            let reading = readings.into_iter().find(|reading| reading["probe"] == probe);
            let reading = reading.ok_or_else(|| format!("{page:#}"))?;
            let age = reading["age_seconds"].as_f64().unwrap_or(f64::MAX);
            let new = age * 1e3 < (wait::now() - since) as f64;
            wait::seen(new && reading["success"] == true, || format!("{reading:#}"))
        });
    }
}

#[test]
fn a_profile_is_tried_and_given_to_all_and_a_poisoned_one_silences_nobody() {
    let target = web_server();
    let (mut collector, mut agents) = fleet(&web(target));
    let good = settled(&collector);
    measured(&collector, "web");

    rewrite(&collector, &format!("{}, lamp: {{ lamp: {{ brightness: 3 }} }}", web(target)));
    withdrawn(&collector, &good, "refused it: probes.lamp");
    measured(&collector, "web");

    collector.stop();
    collector.run();
    // A restart tries nothing again.
    withdrawn(&collector, &good, "refused it: probes.lamp");

    rewrite(&collector, "web: { every: 5s, timeout: 2s, tcp: { host: 127.0.0.1, port: 1 } }");
    withdrawn(&collector, &good, "web fails at all 2 sites that try it");
    measured(&collector, "web");
    let scrape = collector.scrape();
    assert_eq!(scrape.value("nhipcau_collector_profiles_withdrawn", &[]), Some(1.0));

    rewrite(&collector, &format!("{}, pc: {{ host: {{}} }}", web(target)));
    settled(&collector);
    measured(&collector, "pc");
    assert_eq!(collector.scrape().value("nhipcau_collector_profiles_withdrawn", &[]), Some(0.0));

    // Without a collector the last good profile goes on, also after a start.
    collector.stop();
    let agent = &mut agents[3];
    agent.stop();
    let output = agent.do_command(&["--lang", "en", "check"]);
    let told = said(&output);
    assert!(told.contains("web") && told.contains("pc"), "{told}");
    agent.run();
    collector.run();
    settled(&collector);
    measured(&collector, "web");
}
