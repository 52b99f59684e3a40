//! What feeds the PC, as Windows sums it up: all batteries together, a UPS on USB with them.

use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};

use crate::platform::{PowerState, PowerSupply};

/// `BatteryFlag` of `SYSTEM_POWER_STATUS`: there is none.
const NO_BATTERY: u8 = 128;

/// The value of each field that is not known.
const UNKNOWN: u8 = 255;

/// See [`crate::platform`].
#[must_use]
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn power_supplies() -> Vec<PowerSupply> {
    let mut status = SYSTEM_POWER_STATUS::default();
    // SAFETY: a pointer to a live structure, which the call writes.
    let answered = unsafe { GetSystemPowerStatus(&raw mut status) };
    if answered == 0 { Vec::new() } else { supplies(&status) }
}

fn supplies(status: &SYSTEM_POWER_STATUS) -> Vec<PowerSupply> {
    // 0 and 1 are the only words of it; a desktop says 1 always, as it could not say anything else.
    let online = match status.ACLineStatus {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    // The flags are bits, but "unknown" has all of them.
    let flag = status.BatteryFlag;
    if flag == UNKNOWN || flag & NO_BATTERY != 0 {
        return Vec::new();
    }
    let percent = Some(status.BatteryLifePercent).filter(|percent| *percent <= 100);
    let charge = percent.map(|percent| f64::from(percent) / 100.0);
    let battery = PowerState::Battery { charge, discharging: online == Some(false) };
    let mains = online.map(|online| ("mains", PowerState::Mains { online }));
    [Some(("battery", battery)), mains]
        .into_iter()
        .flatten()
        .map(|(name, state)| PowerSupply { name: name.to_owned(), state })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: u8, flag: u8, percent: u8) -> Vec<PowerState> {
        let status = SYSTEM_POWER_STATUS {
            ACLineStatus: line,
            BatteryFlag: flag,
            BatteryLifePercent: percent,
            ..SYSTEM_POWER_STATUS::default()
        };
        supplies(&status).into_iter().map(|supply| supply.state).collect()
    }

    #[test]
    fn a_battery_and_its_mains_are_told_and_a_desktop_tells_nothing() {
        use PowerState::{Battery, Mains};
        for (what, said, expected) in [
            ("desktop", told(1, 128, 255), vec![]),
            ("nothing known", told(255, 255, 255), vec![]),
            (
                "charging",
                told(1, 8, 40),
                vec![Battery { charge: Some(0.4), discharging: false }, Mains { online: true }],
            ),
            (
                "on battery, low",
                told(0, 2, 20),
                vec![Battery { charge: Some(0.2), discharging: true }, Mains { online: false }],
            ),
            (
                "a battery that tells nothing",
                told(255, 0, 255),
                vec![Battery { charge: None, discharging: false }],
            ),
        ] {
            assert_eq!(said, expected, "{what}");
        }
    }

    #[test]
    fn this_system_answers() {
        let _ = power_supplies();
    }
}
