//! Fifteen and five minutes before a meeting, and when it starts, the roll call is written down.

use serde_json::Value;
use tests::agent::Agent;
use tests::collector::Collector;
use tests::receiver::web_server;
use tests::wait;

/// A collector that has just started calls no roll for a minute, so that its agents can be heard.
const TIME_TO_GET_READY: i64 = 75;

/// A moment, how many minutes before the start it is, a site that is there and one that is not.
const MOMENTS: [(&str, i64, &str, &str); 3] =
    [("T-15", 15, "th-1", "th-2"), ("T-5", 5, "th-3", "th-4"), ("T-0", 0, "th-5", "th-6")];

fn inventory() -> String {
    let sites = MOMENTS.iter().flat_map(|(_, _, there, absent)| [there, absent]).map(|site| {
        format!("  - {{ id: {site}, name: Xã {site}, level: commune, area: mien-tay, needs: [network] }}\n")
    });
    format!("areas: [{{ id: mien-tay, name: Miền Tây }}]\nsites:\n{}", sites.collect::<String>())
}

/// One meeting for each moment, which passes as soon as there was time to get ready.
fn meetings() -> String {
    let meetings = MOMENTS.iter().map(|(moment, minutes, there, absent)| {
        let start = wait::utc(wait::now() + 1000 * (TIME_TO_GET_READY + 60 * minutes));
        format!(
            "  - {{ id: {}, title: Họp, start: {start}, duration: 1h, sites: {{ ids: [{there}, {absent}] }} }}\n",
            moment.to_lowercase()
        )
    });
    format!("meetings:\n{}", meetings.collect::<String>())
}

/// The roll call of a moment, as soon as it is written down.
fn written(collector: &Collector, moment: &str) -> Value {
    wait::until("a roll call", || {
        let meetings = collector.get("/api/v1/meetings", &[]).json();
        let all = meetings["occurrences"].as_array().cloned().unwrap_or_default();
        let prefix = format!("{}@", moment.to_lowercase());
        let ids = all.iter().filter_map(|meeting| meeting["id"].as_str());
        let id = ids.into_iter().find(|id| id.starts_with(&prefix)).map(str::to_owned);
        let id = id.ok_or_else(|| meetings.to_string())?;
        let page = collector.get(&format!("/api/v1/meetings/{id}/roll-call"), &[]);
        let calls = if page.status == 200 { page.json()["moments"].clone() } else { Value::Null };
        let call =
            calls.as_array().and_then(|calls| calls.iter().find(|call| call["moment"] == moment));
        call.cloned().ok_or_else(|| page.text())
    })
}

#[test]
fn each_roll_call_is_written_down_at_its_moment_with_who_was_there_and_who_was_not() {
    let collector = Collector::start_with_calendar(&inventory(), &meetings());
    let probe = format!("mcu: {{ every: 5s, http: {{ url: \"http://{}/\" }} }}", web_server());
    let _agents = MOMENTS.map(|(_, _, there, _)| {
        Agent::start(&format!("probes:\n  {probe}\n"), &collector.code(there))
    });
    for (moment, _, there, absent) in MOMENTS {
        let call = written(&collector, moment);
        let verdict = |site: &str| {
            let sites = call["sites"].as_array().unwrap();
            let line = sites.iter().find(|line| line["site"] == site).unwrap();
            line["verdict"].as_str().unwrap().to_owned()
        };
        assert_eq!(
            (moment, verdict(there), verdict(absent)),
            (moment, "ready".to_owned(), "unknown".to_owned()),
            "{call:#}"
        );
        assert_eq!(call["late_seconds"], Value::Null, "{call:#}");
    }
}
