//! The PC's network interfaces: connected or not, negotiation, traffic, errors, Wi-Fi level.
//!
//! A cable that negotiated 10 Mbit/s half duplex, or an interface that counts broken frames, is
//! the cause of many a choppy meeting that an echo with small packets does not show.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure, Reason};

use super::aside::Aside;
use super::failure;
use crate::platform::{self, Link as Interface, LinkState, LinkTotals};
use crate::tally::Run;

/// Interfaces one probe reports in the agent's life; tunnels and dial-ups come under ever new
/// names, and every name is a series.
const INTERFACES: usize = 16;

/// `link: {}` or `link: { interface: eth0 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The system's name of the interface. Default: those a default route leads over, and where
    /// there is no such route all that are hardware: with no way out, any of them may be the one
    /// whose cable fell off.
    #[serde(default)]
    pub interface: Option<Box<str>>,
    /// What the interfaces had counted at the run before.
    #[serde(skip)]
    before: BTreeMap<String, LinkTotals>,
    #[serde(skip)]
    asking: Aside<std::io::Result<Vec<Interface>>>,
}

impl Link {
    /// The system keeps the counters meanwhile, so nothing is lost between two looks; what has to
    /// be seen soon is a fallen cable.
    pub const EVERY: Duration = Duration::from_secs(15);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// A USB adapter is asked over USB, which takes milliseconds; a stuck one never answers.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(5))
    }

    /// Looks at the interfaces. Fails when none of them is connected.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let what = "read the network interfaces";
        let asking = self.asking.ask(platform::links);
        let interfaces = failure::within(failure::patience(run), what, asking)
            .await?
            .map_err(|error| failure::of(&error, what))?;
        self.record(run, interfaces)
    }

    fn record(&mut self, run: &mut Run<'_>, interfaces: Vec<Interface>) -> Result<(), Failure> {
        let chosen = choose(self.interface.as_deref(), interfaces)?;
        for interface in &chosen {
            if self.before.len() < INTERFACES || self.before.contains_key(&interface.name) {
                record(run, interface);
                let before = self.before.insert(interface.name.clone(), interface.totals);
                count(run, &interface.name, before, interface.totals);
            }
        }
        if chosen.iter().any(|interface| interface.state == LinkState::Up) {
            return Ok(());
        }
        let states = chosen.iter().map(|link| format!("{} {}", link.name, state_en(link.state)));
        Err(Failure::new(Reason::Unreachable, states.collect::<Vec<_>>().join(", ")))
    }
}

/// See [`Link::interface`].
fn choose(name: Option<&str>, interfaces: Vec<Interface>) -> Result<Vec<Interface>, Failure> {
    if let Some(name) = name {
        let absent = absent(name, &interfaces);
        let named = interfaces.into_iter().find(|link| link.name == name);
        return named.map(|link| vec![link]).ok_or(absent);
    }
    let with_default = interfaces.iter().any(|link| link.default_route);
    let chosen: Vec<Interface> = interfaces
        .into_iter()
        .filter(|link| if with_default { link.default_route } else { link.physical })
        .collect();
    if chosen.is_empty() {
        return Err(Failure::new(Reason::Absent, "this PC has no network interface"));
    }
    Ok(chosen)
}

fn absent(name: &str, interfaces: &[Interface]) -> Failure {
    let names: Vec<_> = interfaces.iter().map(|link| link.name.as_str()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Failure::new(Reason::Absent, format_args!("interface {name} does not exist; there is {names}"))
}

fn record(run: &mut Run<'_>, link: &Interface) {
    let name = &link.name;
    run.gauge_of("bridge_link_up", name, f64::from(u8::from(link.state == LinkState::Up)));
    run.step(
        || format!("Cổng mạng {name}: {}.", state_vi(link.state)),
        || format!("Interface {name}: {}.", state_en(link.state)),
    );
    if let Some(speed) = link.bits_per_second {
        run.gauge_of("bridge_link_speed_bytes_per_second", name, speed as f64 / 8.0);
        let megabits = speed / 1_000_000;
        run.step(
            || format!("Tốc độ thỏa thuận của {name}: {megabits} Mbit/s."),
            || format!("{name} negotiated {megabits} Mbit/s."),
        );
    }
    if let Some(full) = link.full_duplex {
        run.gauge_of("bridge_link_full_duplex", name, f64::from(u8::from(full)));
        if !full {
            run.step(
                || format!("{name} chạy bán song công: kiểm tra cáp và cổng switch."),
                || format!("{name} runs half duplex: look at the cable and the switch's port."),
            );
        }
    }
    if let Some(level) = link.wifi_signal_dbm {
        run.gauge_of("bridge_link_wifi_signal_dbm", name, level);
        run.step(
            || format!("Mức sóng Wi-Fi của {name}: {level:.0} dBm."),
            || format!("Wi-Fi signal of {name}: {level:.0} dBm."),
        );
    }
}

/// Adds what came since the run before. The first look only says where counting begins; totals
/// below the ones before mean that the system made the interface anew and counts from 0.
fn count(run: &mut Run<'_>, name: &str, before: Option<LinkTotals>, now: LinkTotals) {
    let before = before.unwrap_or(now);
    for (metric, before, now) in [
        ("bridge_link_receive_bytes_total", before.receive_bytes, now.receive_bytes),
        ("bridge_link_transmit_bytes_total", before.transmit_bytes, now.transmit_bytes),
        ("bridge_link_receive_errors_total", before.receive_errors, now.receive_errors),
        ("bridge_link_transmit_errors_total", before.transmit_errors, now.transmit_errors),
    ] {
        run.count_of(metric, name, now.checked_sub(before).unwrap_or(now) as f64);
    }
}

fn state_vi(state: LinkState) -> &'static str {
    match state {
        LinkState::Off => "đang bị tắt",
        LinkState::NoCarrier => "không có tín hiệu (tuột cáp, switch tắt hoặc chưa vào Wi-Fi)",
        LinkState::Up => "đã kết nối",
    }
}

fn state_en(state: LinkState) -> &'static str {
    match state {
        LinkState::Off => "is switched off",
        LinkState::NoCarrier => "has no carrier (cable, switch or Wi-Fi)",
        LinkState::Up => "is connected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::Probe;
    use crate::probes::bench::{Bench, Found, config};

    fn interface(name: &str, state: LinkState) -> Interface {
        Interface {
            name: name.to_owned(),
            physical: true,
            default_route: false,
            state,
            bits_per_second: Some(100_000_000),
            full_duplex: Some(false),
            totals: LinkTotals::default(),
            wifi_signal_dbm: None,
        }
    }

    fn received(name: &str, bytes: u64) -> Interface {
        let totals = LinkTotals { receive_bytes: bytes, ..LinkTotals::default() };
        Interface { totals, ..interface(name, LinkState::Up) }
    }

    fn look(bench: &mut Bench, probe: &mut Link, interfaces: Vec<Interface>) -> Found {
        let mut result = Ok(());
        let mut found = bench.record(|run| result = probe.record(run, interfaces));
        found.result = result;
        found
    }

    fn look_once(yaml: &str, interfaces: Vec<Interface>) -> Found {
        look(&mut Bench::default(), &mut config(yaml), interfaces)
    }

    #[test]
    fn totals_begin_at_the_first_look_and_survive_an_interface_made_anew() {
        let (mut bench, mut probe) = (Bench::default(), config("{}"));
        for (bytes, expected) in [(5000, 0.0), (5100, 100.0), (5100, 100.0), (30, 130.0)] {
            let found = look(&mut bench, &mut probe, vec![received("eth0", bytes)]);
            let total = found.number_of("bridge_link_receive_bytes_total", "eth0");
            assert_eq!(total, Some(expected), "at {bytes}");
        }
    }

    #[test]
    fn the_way_out_is_looked_at_and_without_one_all_hardware() {
        let wifi = || Interface { default_route: true, ..interface("wlan0", LinkState::Up) };
        let tunnel = || Interface { physical: false, ..interface("tun0", LinkState::Up) };
        let eth = || interface("eth0", LinkState::NoCarrier);
        let up = |found: &Found| found.labels("bridge_link_up").join(" ");
        assert_eq!(up(&look_once("{}", vec![eth(), tunnel(), wifi()])), "wlan0");
        assert_eq!(up(&look_once("{}", vec![eth(), tunnel()])), "eth0");
        assert_eq!(up(&look_once("{ interface: tun0 }", vec![eth(), tunnel(), wifi()])), "tun0");
    }

    #[test]
    fn a_fallen_cable_is_a_failure_that_names_it() {
        let found = look_once("{}", vec![interface("eth0", LinkState::NoCarrier)]);
        assert_eq!(found.reason(), Some(Reason::Unreachable));
        assert_eq!(found.detail(), "eth0 has no carrier (cable, switch or Wi-Fi)");
        assert_eq!(found.number_of("bridge_link_up", "eth0"), Some(0.0));
        assert_eq!(found.number_of("bridge_link_full_duplex", "eth0"), Some(0.0));
    }

    #[test]
    fn an_interface_that_is_not_there_is_absent_and_the_others_are_named() {
        let found = look_once("{ interface: eth7 }", vec![interface("eth0", LinkState::Up)]);
        assert_eq!(found.reason(), Some(Reason::Absent));
        assert_eq!(found.detail(), "interface eth7 does not exist; there is eth0");
        assert_eq!(look_once("{}", vec![]).reason(), Some(Reason::Absent));
    }

    #[test]
    fn ever_new_names_do_not_become_ever_new_series() {
        let (mut bench, mut probe) = (Bench::default(), config("{}"));
        for number in 0..100 {
            look(&mut bench, &mut probe, vec![received(&format!("ppp{number}"), 1)]);
        }
        let found = look(&mut bench, &mut probe, vec![received("ppp0", 8)]);
        assert_eq!(found.labels("bridge_link_receive_bytes_total").len(), INTERFACES);
        assert_eq!(found.number_of("bridge_link_receive_bytes_total", "ppp0"), Some(7.0));
    }

    #[tokio::test]
    async fn loopback_cannot_be_asked_for() {
        let mut probe = Probe::Link(config("{ interface: lo }"));
        let found = Bench::default().run(&mut probe).await;
        assert_eq!(found.reason(), Some(Reason::Absent));
    }
}
