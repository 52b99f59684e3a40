//! Whether the operating system holds the PC's clock for right.
//!
//! A clock that nobody keeps right is a measurement, not a failure of the probe: the gauge is 0
//! and the collector judges. How wrong the clock is the collector measures itself.

use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure};

use super::failure;
use crate::platform::{self, ClockState, TIME_SERVICE};
use crate::tally::Run;

/// `clock: {}`: there is nothing to configure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {}

impl Clock {
    /// Synchronisation changes in minutes, not seconds.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Clock);

    /// The system answers at once.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(1))
    }

    /// Asks the system.
    #[expect(clippy::unused_async, reason = "every kind of probe runs alike")]
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let state = platform::clock_state()
            .map_err(|error| failure::of(&error, "ask the system about its clock"))?;
        record(run, state);
        Ok(())
    }
}

fn record(run: &mut Run<'_>, state: ClockState) {
    run.gauge("bridge_clock_synchronised", f64::from(u8::from(state.synchronised)));
    run.step(|| synchronised_vi(state), || synchronised_en(state));
    if let Some(error) = state.estimated_error {
        let seconds = error.as_secs_f64();
        run.gauge("bridge_clock_estimated_error_seconds", seconds);
        run.step(
            || format!("Hệ điều hành ước lượng sai số {:.3} ms.", seconds * 1e3),
            || format!("The system estimates an error of {:.3} ms.", seconds * 1e3),
        );
    }
}

fn synchronised_vi(state: ClockState) -> String {
    if state.synchronised {
        "Đồng hồ đang được đồng bộ.".to_owned()
    } else {
        format!(
            "Đồng hồ không được đồng bộ: hãy bật dịch vụ giờ ({TIME_SERVICE}) và cho phép nó tới \
             máy chủ giờ."
        )
    }
}

fn synchronised_en(state: ClockState) -> String {
    if state.synchronised {
        "The clock is kept synchronised.".to_owned()
    } else {
        format!(
            "Nobody keeps the clock right: switch a time service on ({TIME_SERVICE}) and let it \
             reach a time server."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::Probe;
    use crate::probes::bench::{Bench, config};

    #[test]
    fn a_clock_nobody_keeps_is_a_measurement_and_not_a_failure() {
        for (synchronised, estimated_error, error) in [
            (true, Some(Duration::from_micros(250)), Some(0.000_25)),
            (true, None, None),
            (false, None, None),
        ] {
            let state = ClockState { synchronised, estimated_error };
            let found = Bench::default().record(|run| record(run, state));
            let expected = f64::from(u8::from(synchronised));
            assert_eq!(found.number("bridge_clock_synchronised"), Some(expected));
            assert_eq!(found.number("bridge_clock_estimated_error_seconds"), error);
        }
    }

    #[tokio::test]
    async fn this_pc_has_an_answer() {
        let found = Bench::default().run(&mut Probe::Clock(config("{}"))).await;
        assert_eq!(found.result, Ok(()));
        assert!(found.number("bridge_clock_synchronised").is_some());
    }
}
