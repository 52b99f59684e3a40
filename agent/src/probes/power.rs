//! What feeds the PC, and whether it would go to sleep or switch itself off during a meeting.

use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure};

use super::aside::Aside;
use super::failure;
use crate::platform::{self, PowerState, PowerSupply, SleepPlan};
use crate::tally::Run;

/// `power: {}`: there is nothing to configure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    #[serde(skip)]
    asking: Aside<(Vec<PowerSupply>, SleepPlan)>,
}

impl Power {
    /// Mains power fails in a moment, and a battery lasts long enough to be told of it.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Power);

    /// Batteries on slow buses take tenths of a second.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Looks at batteries, mains and plans to sleep.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let asking = self.asking.ask(|| (platform::power_supplies(), platform::sleep_plan()));
        let what = "read batteries and plans to sleep";
        let (supplies, plan) = failure::within(failure::patience(run), what, asking).await?;
        record_supplies(run, &supplies);
        record_plan(run, plan);
        Ok(())
    }
}

fn record_plan(run: &mut Run<'_>, plan: SleepPlan) {
    if let Some(after) = plan.after {
        run.gauge("bridge_host_sleep_after_seconds", after.as_secs_f64());
        let minutes = after.as_secs() / 60;
        run.step(
            || format!("Máy tự ngủ hoặc tắt sau {minutes} phút không ai chạm vào: hãy tắt chế độ này."),
            || format!("The PC sleeps or ends after {minutes} minutes without a touch: switch that off."),
        );
    } else {
        run.step(
            || "Hệ điều hành không tự ngủ khi không ai chạm vào.".to_owned(),
            || "The system does not go to sleep by itself.".to_owned(),
        );
    }
    if let Some((from, to)) = plan.active_hours {
        run.step(
            || format!("Từ {from} đến {to} giờ máy không tự khởi động lại để cập nhật."),
            || {
                format!(
                    "From {from} to {to} o'clock the PC does not restart by itself for updates."
                )
            },
        );
    }
    if let Some(at) = plan.restart_unix_seconds {
        run.gauge("bridge_host_restart_timestamp_seconds", at);
        run.step(
            || "Bản cập nhật đang chờ, hết giờ đó máy có thể tự khởi động lại: hãy khởi động lại trước.".to_owned(),
            || "An update waits, and outside those hours the PC may restart by itself: restart it before.".to_owned(),
        );
    }
    if let Some(at) = plan.shutdown_unix_seconds {
        run.gauge("bridge_host_shutdown_timestamp_seconds", at);
        run.step(
            || "Máy đã được hẹn giờ tắt; hủy bằng: shutdown -c".to_owned(),
            || "A shutdown is scheduled; cancel it with: shutdown -c".to_owned(),
        );
    }
}

fn record_supplies(run: &mut Run<'_>, supplies: &[PowerSupply]) {
    for supply in supplies {
        if let PowerState::Battery { charge: Some(charge), .. } = supply.state {
            run.gauge_of("bridge_host_battery_charge_ratio", &supply.name, charge);
            run.step(
                || format!("Pin {}: {:.0}%.", supply.name, charge * 100.0),
                || format!("Battery {}: {:.0} %.", supply.name, charge * 100.0),
            );
        }
    }
    if let Some(online) = mains(supplies) {
        run.gauge("bridge_host_mains_online", f64::from(u8::from(online)));
        run.step(
            || {
                if online {
                    "Có điện lưới."
                } else {
                    "Mất điện lưới, máy đang chạy pin."
                }
                .to_owned()
            },
            || if online { "On mains power." } else { "No mains power, on battery." }.to_owned(),
        );
    }
}

/// Whether the PC has mains power. A PC whose adapter has no entry shows it by its battery; one
/// with neither cannot tell, and then it says nothing.
fn mains(supplies: &[PowerSupply]) -> Option<bool> {
    let adapters = supplies.iter().filter_map(|supply| match supply.state {
        PowerState::Mains { online } => Some(online),
        PowerState::Battery { .. } => None,
    });
    let on_battery = supplies
        .iter()
        .any(|supply| matches!(supply.state, PowerState::Battery { discharging: true, .. }));
    adapters.reduce(|a, b| a || b).or_else(|| on_battery.then_some(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::Probe;
    use crate::probes::bench::{Bench, config};

    #[test]
    fn mains_is_told_by_adapters_then_by_batteries_and_else_not_at_all() {
        let mains_at = |online| PowerState::Mains { online };
        let battery = |discharging| PowerState::Battery { charge: None, discharging };
        for (states, expected) in [
            (vec![mains_at(true), battery(false)], Some(true)),
            (vec![mains_at(false), battery(true)], Some(false)),
            (vec![mains_at(false), mains_at(true)], Some(true)),
            (vec![battery(true)], Some(false)),
            (vec![battery(false)], None),
            (vec![], None),
        ] {
            let supplies: Vec<_> = states
                .iter()
                .map(|state| PowerSupply { name: "x".to_owned(), state: *state })
                .collect();
            assert_eq!(mains(&supplies), expected, "{states:?}");
        }
    }

    #[test]
    fn batteries_and_plans_become_gauges() {
        let state = PowerState::Battery { charge: Some(0.5), discharging: true };
        let supplies = [PowerSupply { name: "BAT0".to_owned(), state }];
        let plan = SleepPlan {
            after: Some(Duration::from_mins(20)),
            shutdown_unix_seconds: Some(1_795_310_400.0),
            restart_unix_seconds: Some(1_795_320_000.0),
            active_hours: Some((8, 17)),
        };
        let found = Bench::default().record(|run| {
            record_supplies(run, &supplies);
            record_plan(run, plan);
        });
        assert_eq!(found.number_of("bridge_host_battery_charge_ratio", "BAT0"), Some(0.5));
        for (name, value) in [
            ("bridge_host_mains_online", 0.0),
            ("bridge_host_sleep_after_seconds", 1200.0),
            ("bridge_host_shutdown_timestamp_seconds", 1_795_310_400.0),
            ("bridge_host_restart_timestamp_seconds", 1_795_320_000.0),
        ] {
            assert_eq!(found.number(name), Some(value), "{name}");
        }
    }

    #[tokio::test]
    async fn this_pc_has_an_answer() {
        let found = Bench::default().run(&mut Probe::Power(config("{}"))).await;
        assert_eq!(found.result, Ok(()), "{}", found.steps());
    }
}
