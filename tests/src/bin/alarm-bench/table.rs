//! What is written.

use std::fmt::Write as _;

use crate::Fault;
use crate::round::{Marks, STAGES};

pub(crate) const HEAD: &str = "| fault | until | n | p50, s | p90, s | p99, s | longest, s |\n|---|---|---:|---:|---:|---:|---:|";

/// A row for each stage.
pub(crate) fn rows(fault: Fault, all: &[Marks]) -> String {
    let mut text = String::new();
    for (stage, name) in STAGES.iter().enumerate() {
        let mut took: Vec<_> = all.iter().filter_map(|marks| marks[stage]).collect();
        took.sort_unstable();
        let missing = all.len() - took.len();
        let never = if missing > 0 { format!(" ({missing} never)") } else { String::new() };
        let at = |share: usize| {
            let place = (took.len() * share).div_ceil(100).saturating_sub(1);
            took.get(place).map_or("-".to_owned(), |millis| seconds(*millis))
        };
        let _ = write!(
            text,
            "{}| {} | {name} | {}{never} | {} | {} | {} | {} |",
            if stage == 0 { "" } else { "\n" },
            fault.name(),
            took.len(),
            at(50),
            at(90),
            at(99),
            at(100),
        );
    }
    text
}

fn seconds(millis: i64) -> String {
    format!("{}.{}", millis / 1000, millis % 1000 / 100)
}
