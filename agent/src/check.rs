//! `check`: what the configuration makes the agent do, for the person who wrote it.

use std::fmt::Write;
use std::path::Path;

use wire::Language;
use wire::duration::Span;

use crate::config::Config;

/// A good configuration in a few lines.
#[must_use]
pub fn told(path: &Path, config: &Config, language: Language) -> String {
    let mut text = String::new();
    let count = config.tasks.len();
    let _ = writeln!(
        text,
        "{}",
        language.pick(
            format!("{}: cấu hình hợp lệ, {count} phép đo", path.display()),
            format!("{}: the configuration is good, {count} probes", path.display()),
        )
    );
    for task in &config.tasks {
        let _ = writeln!(
            text,
            "  {:<16} {:<10} {} {}",
            task.name,
            task.probe.kind(),
            language.pick("mỗi", "every"),
            Span(task.every)
        );
    }
    text
}
