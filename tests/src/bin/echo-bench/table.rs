//! The numbers as a table in Markdown, ratios beside them.

use std::fmt::Write;
use std::time::Duration;

use crate::Each;

/// In the order of the contenders.
pub(crate) const HEAD: &str = "\
| echoes a second | measured | Nhịp Cầu `icmp` | surge-ping | smokeping prober | fping | system calls alone |
|---:|---|---:|---:|---:|---:|---:|";

/// The rows of one rate.
pub(crate) fn rows(rate: u32, costs: &(Each<f64>, f64), errors: &Each<Vec<f64>>) -> String {
    let mut text = String::new();
    row(&mut text, rate, "CPU-s an hour", &costs.0, Some(costs.1));
    for percent in [50, 95, 99] {
        let name = format!("RTT error, p{percent}, ms");
        row(&mut text, rate, &name, &errors.each_ref().map(|e| percentile(e, percent) * 1e3), None);
    }
    text.trim_end().to_owned()
}

/// A number of each, and how many times ours it is. The bare system calls measure nothing.
fn row(text: &mut String, rate: u32, name: &str, numbers: &Each<f64>, bare: Option<f64>) {
    let ours = numbers[0];
    let _ = write!(text, "| {rate} | {name} | {ours:.3} |");
    for number in numbers[1..].iter().copied().chain(bare) {
        let _ = write!(text, " {number:.3} (×{:.1}) |", number / ours);
    }
    text.push_str(if bare.is_none() { " – |\n" } else { "\n" });
}

/// The value that so many of a hundred do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

pub(crate) fn foot(time: Duration) -> String {
    format!(
        "\nEach number from {} s with all side by side on one path of 40 ms. Processor time by \
         the scheduler's own count, in five rounds; the errors are against `tcpdump` on the same device, each \
         program telling its times in a second run. fping prints times to 0.1 ms.",
        time.as_secs()
    )
}
