//! What support needs in one text file. Nothing is copied that could hold a secret: neither the
//! identity nor a password file, and of the configuration no text that a URL's user or a key named
//! like a secret carries.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use wire::Language;

use super::judge::without_password;
use super::{Evidence, Finding, told};
use crate::run::agent_info;
use crate::style::Style;

/// Writes the bundle, anew.
pub(super) fn write(
    file: &Path,
    config: &Path,
    evidence: &Evidence,
    findings: &[Finding],
) -> io::Result<()> {
    let configuration = fs::read_to_string(config).unwrap_or_default();
    fs::write(file, text(&configuration, evidence, findings))
}

fn text(configuration: &str, evidence: &Evidence, findings: &[Finding]) -> String {
    let agent = agent_info();
    let mut text = format!("nhipcau-agent {} on {}\n\n", agent.version, agent.os);
    text += &told::told(evidence, findings, Language::En, Style::PLAIN);
    let _ = writeln!(text, "\n--- configuration");
    for line in configuration.lines() {
        let _ = writeln!(text, "{}", redacted(line));
    }
    let _ = writeln!(text, "\n--- readings");
    for (reading, trace) in &evidence.probes {
        let _ = writeln!(text, "{}", serde_json::to_string(reading).unwrap_or_default());
        for (_, en) in &trace.0 {
            let _ = writeln!(text, "    {en}");
        }
    }
    text
}

/// Keys whose value is not for other eyes. A line with one of them is left out whole: YAML has too
/// many ways to write a value.
const SECRET: [&str; 5] = ["password:", "secret:", "token:", "community:", "authorization:"];

/// A line of the configuration without what is nobody else's business.
fn redacted(line: &str) -> String {
    let lower = line.to_lowercase();
    if SECRET.iter().any(|key| lower.contains(key)) {
        return "# (left out: a secret)".to_owned();
    }
    let words = line.split(' ').map(|word| {
        if word.contains("://") && word.contains('@') {
            without_password(word)
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_configuration_gets_into_a_bundle() {
        for (line, told) in [
            ("state_dir: /var/lib/x", "state_dir: /var/lib/x"),
            ("proxy: http://an:mat@khau@proxy:3128", "proxy: http://…@proxy:3128"),
            ("proxy: proxy:3128", "proxy: proxy:3128"),
            ("  ups: { ups: { host: a, password: hunter2 } }", "# (left out: a secret)"),
            (
                "  p: { pjlink: { password_file: /etc/x } }",
                "  p: { pjlink: { password_file: /etc/x } }",
            ),
            ("  Authorization: Bearer x", "# (left out: a secret)"),
        ] {
            assert_eq!(redacted(line), told);
        }
    }
}
