//! Sites that can fail one by one, and the alarm that watches them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tests::agent::Agent;
use tests::alarm::{Alarm, meeting};
use tests::link::{Line, Link};
use tests::receiver::web_server;
use tests::wait;

use crate::Fault;

/// Within T-15, so that alerts fire, and long enough before the start for all faults of targets.
const MEETING_IN_MINUTES: i64 = 14;

pub(crate) struct Site {
    pub(crate) id: String,
    agent: Agent,
    line: Link,
    target: Link,
}

pub(crate) struct Sites {
    pub(crate) alarm: Alarm,
    pub(crate) all: Vec<Site>,
}

impl Sites {
    /// So many sites, each with a line, an uplink and an area of its own: each alert is told by
    /// itself, and none is an incident's.
    pub(crate) fn start(count: usize) -> Self {
        let ids: Vec<String> = (1..=count).map(|number| format!("th-{number:04}")).collect();
        let (mut areas, mut sites) = (String::new(), String::new());
        for id in &ids {
            let _ = writeln!(areas, "  - {{ id: a-{id}, name: \"{id}\" }}");
            let _ = writeln!(
                sites,
                "  - {{ id: {id}, name: \"Xã {id}\", area: a-{id}, uplink: u-{id}, needs: [network] }}"
            );
        }
        let inventory = format!("areas:\n{areas}sites:\n{sites}");
        let meetings = meeting("giao-ban", MEETING_IN_MINUTES, &ids.join(", "));
        let alarm = Alarm::start(&inventory, &format!("meetings:\n{meetings}"), None);
        let alarm = alarm.unwrap_or_else(|| panic!("Prometheus or Alertmanager is not installed"));
        let web = web_server();
        let site = |id: String| {
            let (line, target) = (Link::to(alarm.collector.agents()), Link::to(web));
            let agent = alarm.agent(&id, &line, target.address());
            Site { id, agent, line, target }
        };
        let all = ids.into_iter().map(site).collect();
        Self { alarm, all }
    }

    /// Breaks one.
    pub(crate) fn fail(&mut self, number: usize, fault: Fault) {
        let site = &mut self.all[number];
        match fault {
            Fault::Target => site.target.set(Line::Stalled),
            Fault::Line => site.line.set(Line::Stalled),
            Fault::Agent => site.agent.kill(),
        }
    }

    /// Mends all.
    pub(crate) fn mend(&mut self, fault: Fault) {
        for site in &mut self.all {
            match fault {
                Fault::Target => site.target.set(Line::Good),
                Fault::Line => site.line.set(Line::Good),
                Fault::Agent => site.agent.run(),
            }
        }
    }

    /// Waits until every site is ready and no alert is left of the round before.
    pub(crate) fn wait_until_well(&self) {
        wait::until("all sites to be well", || {
            let unwell = self.unwell();
            wait::seen(unwell.is_empty(), || format!("{unwell:?}"))
        });
        for scope in ["site", "meeting"] {
            wait::until("no alert", || {
                let held = self.alarm.alertmanager.held(scope);
                wait::seen(held.is_empty(), || format!("{held:?}"))
            });
        }
    }

    /// The sites that the API does not call ready.
    pub(crate) fn unwell(&self) -> BTreeSet<String> {
        let page = self.alarm.collector.get("/api/v1/sites", &[]).json();
        let sites = page["sites"].as_array().cloned().unwrap_or_default();
        let unwell = sites.iter().filter(|site| site["verdict"] != "ready");
        unwell.filter_map(|site| site["id"].as_str().map(str::to_owned)).collect()
    }

    /// The sites in the result of a query.
    pub(crate) fn found(&self, query: &str) -> BTreeSet<String> {
        let found = self.alarm.prometheus.query(query).into_iter();
        found.filter_map(|(labels, _)| labels["site"].as_str().map(str::to_owned)).collect()
    }

    /// The sites of which the receiver was told since `from`.
    pub(crate) fn told(&self, from: wire::UnixMillis) -> BTreeSet<String> {
        let messages = self.alarm.receiver.messages().into_iter();
        let new = messages.filter(|message| message.at >= from && !message.is_resolved());
        new.flat_map(|message| message.alerts())
            .filter(|(name, _)| name == "SiteNotReady")
            .map(|(_, site)| site)
            .collect()
    }
}
