//! `once`: each probe runs one time and explains itself.

use std::fmt::Write;
use std::time::Duration;

use wire::metrics::{Kind, Unit};
use wire::reading::{Name, Reading, Sample, Value};
use wire::{DeviceState, Language, Trouble};

use crate::runner::Task;
use crate::style::Style;
use crate::tally::{Tally, Trace};

/// Runs `task` and tells what was done, found and what it means; true if the run succeeded and
/// found nothing that a meeting cannot do with.
pub async fn once(mut task: Task, language: Language, style: Style) -> (String, bool) {
    let (reading, trace) = task.run(&mut Tally::default(), task.every, true).await;
    let good = matches!(outcome(&reading), Outcome::Good | Outcome::Fair);
    (told(&reading, &trace, language, style), good)
}

/// What a run comes to.
enum Outcome {
    Good,
    /// Something works badly, or cannot be seen.
    Fair,
    /// Something is not there, or cannot be used.
    Bad,
    /// The run itself failed.
    Failed,
}

fn outcome(reading: &Reading) -> Outcome {
    if reading.failure.is_some() {
        return Outcome::Failed;
    }
    match reading.troubles.iter().map(|trouble| trouble.cause.state()).max() {
        None | Some(DeviceState::Ok) => Outcome::Good,
        Some(DeviceState::Degraded | DeviceState::Unknown) => Outcome::Fair,
        Some(DeviceState::Blocked | DeviceState::Missing) => Outcome::Bad,
    }
}

fn told(reading: &Reading, trace: &Trace, language: Language, style: Style) -> String {
    let mut text = String::new();
    let took = Duration::from_micros(reading.duration_us);
    let (mark, word) = match outcome(reading) {
        Outcome::Good => (style.good("✔"), language.pick("đạt", "good")),
        Outcome::Fair => (style.strong("!"), language.pick("cần chú ý", "needs attention")),
        Outcome::Bad => (style.bad("✖"), language.pick("không đạt", "not good")),
        Outcome::Failed => (style.bad("✖"), language.pick("không đạt", "failed")),
    };
    let name = style.strong(reading.probe.as_str());
    let _ = writeln!(text, "{mark} {name} ({}): {word}, {took:.0?}", reading.kind);
    for (vi, en) in &trace.0 {
        let _ = writeln!(text, "    {}", language.pick(vi, en));
    }
    if let Some(failure) = &reading.failure {
        let _ = writeln!(text, "    {} [{failure}]", failure.reason.sentence(language));
    }
    for trouble in &reading.troubles {
        let _ = writeln!(text, "    {}", meaning(trouble, language));
    }
    for sample in &reading.samples {
        let _ = writeln!(text, "    {}", style.faint(&line(sample)));
    }
    text
}

/// `Jabra Speak: đang bị tắt tiếng [muted]`
fn meaning(trouble: &Trouble, language: Language) -> String {
    let Trouble { device, cause, detail } = trouble;
    let colon = if detail.is_empty() { "" } else { ": " };
    format!("{device}: {} [{}{colon}{detail}]", cause.clause(language), cause.label())
}

/// A sample as one line: name, own label, value in its unit.
fn line(sample: &Sample) -> String {
    let Name::Known(metric) = &sample.name else { return String::new() };
    let label = match (&sample.label, metric.own_label()) {
        (Some(value), Some(label)) => format!("{{{label}={value:?}}}"),
        _ => String::new(),
    };
    let value = match &sample.value {
        Value::Number(number) if matches!(metric.kind, Kind::Counter) => format!("{number}"),
        Value::Number(number) => in_unit(*number, metric.unit),
        Value::State(state) => state.label().to_owned(),
        Value::UnknownState => "?".to_owned(),
        Value::Histogram(histogram) if histogram.count() == 0 => "-".to_owned(),
        Value::Histogram(histogram) => {
            let mean = histogram.sum / histogram.count() as f64;
            format!("{} × ≈ {}", histogram.count(), in_unit(mean, metric.unit))
        }
    };
    format!("{}{label} = {value}", metric.name)
}

fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        // Moments are seconds since 1970 and say more as such than as 56 years.
        Unit::Seconds if value.abs() < 1.0 => format!("{:.3} ms", value * 1e3),
        Unit::Seconds => format!("{value:.3} s"),
        Unit::Bytes => bytes(value),
        Unit::Ratio => format!("{:.1} %", value * 100.0),
        Unit::Celsius => format!("{value:.1} °C"),
        Unit::Dbm => format!("{value} dBm"),
        Unit::BytesPerSecond => format!("{} Mbit/s", value * 8.0 / 1e6),
        Unit::None => format!("{value}"),
    }
}

fn bytes(value: f64) -> String {
    const STEPS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = value;
    let mut step = 0;
    while value >= 1024.0 && step + 1 < STEPS.len() {
        value /= 1024.0;
        step += 1;
    }
    format!("{value:.1} {}", STEPS[step])
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::reading::{Failure, Reason};
    use wire::{Capability, Cause, metrics};

    fn failed() -> Reading {
        Reading {
            probe: "mcu".parse().unwrap(),
            kind: "tcp".into(),
            capability: Some(Capability::Network),
            every_ms: 15_000,
            age_ms: 0,
            duration_us: 1_200,
            troubles: vec![],
            failure: Some(Failure::new(Reason::Refused, "connect 10.0.0.10:443: refused")),
            samples: vec![Sample {
                name: Name::Known(metrics::find("bridge_probe_loss_ratio").unwrap()),
                label: None,
                value: Value::Number(0.25),
            }],
        }
    }

    #[test]
    fn a_failed_run_says_what_was_done_what_failed_and_what_was_measured() {
        let trace = Trace(vec![("Kết nối đến 10.0.0.10".into(), "Connecting to 10.0.0.10".into())]);
        let vi = told(&failed(), &trace, Language::Vi, Style::PLAIN);
        assert_eq!(
            vi,
            "✖ mcu (tcp): không đạt, 1ms\n    Kết nối đến 10.0.0.10\n    Bên kia từ chối kết nối. \
             [refused: connect 10.0.0.10:443: refused]\n    bridge_probe_loss_ratio = 25.0 %\n"
        );
        assert!(told(&failed(), &trace, Language::En, Style::PLAIN).contains("Connecting"));
    }

    #[test]
    fn what_stands_in_the_way_is_told_with_its_gravity() {
        for (cause, mark, detail, line) in [
            (Cause::Muted, "✖ mcu (tcp): không đạt", "", "Jabra: đang bị tắt tiếng [muted]"),
            (
                Cause::Slow,
                "! mcu (tcp): cần chú ý",
                "12",
                "Jabra: được cắm vào cổng quá chậm [slow: 12]",
            ),
        ] {
            let trouble = Trouble { device: "Jabra".into(), cause, detail: detail.into() };
            let reading = Reading { failure: None, troubles: vec![trouble], ..failed() };
            let told = told(&reading, &Trace::default(), Language::Vi, Style::PLAIN);
            assert!(told.starts_with(mark) && told.contains(line), "{told}");
        }
    }

    #[test]
    fn numbers_are_read_in_their_unit() {
        assert_eq!(in_unit(0.0123, Unit::Seconds), "12.300 ms");
        assert_eq!(in_unit(1.5 * 1024.0 * 1024.0, Unit::Bytes), "1.5 MiB");
        assert_eq!(in_unit(1.25e8, Unit::BytesPerSecond), "1000 Mbit/s");
    }
}
