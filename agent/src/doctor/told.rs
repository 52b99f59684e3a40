//! What the person, or the program, at the terminal reads. Pure.

use std::fmt::Write;

use serde_json::{Value, json};
use wire::Language;

use super::{Colour, Enrolment, Evidence, Finding};
use crate::style::Style;

/// The first thing to do: the first red one, in the order in which they hang on one another.
pub(super) fn first(findings: &[Finding]) -> Option<(usize, &Finding)> {
    let mut numbered = findings.iter().enumerate().map(|(index, finding)| (index + 1, finding));
    numbered.find(|(_, finding)| finding.colour == Colour::Red)
}

pub(super) fn told(
    evidence: &Evidence,
    findings: &[Finding],
    language: Language,
    style: Style,
) -> String {
    let mut text = String::new();
    for (index, finding) in findings.iter().enumerate() {
        let (mark, word) = match finding.colour {
            Colour::Green => (style.good("✔"), language.pick("xanh", "green")),
            Colour::Yellow => (style.strong("!"), language.pick("vàng", "yellow")),
            Colour::Red => (style.bad("✖"), language.pick("đỏ", "red")),
        };
        let (number, title) = (index + 1, finding.title.pick(language));
        let found = finding.found.pick(language);
        let _ = writeln!(text, "{mark} {number:>2} {word:<6} {title}: {found}");
        if let Some(mend) = &finding.mend {
            let _ = writeln!(text, "             → {}", mend.pick(language));
        }
    }
    let _ = writeln!(text, "\n{}", style.strong(&last_line(evidence, findings, language)));
    text
}

fn last_line(evidence: &Evidence, findings: &[Finding], language: Language) -> String {
    let Some((number, finding)) = first(findings) else {
        let site = match &evidence.enrolment {
            Enrolment::Site { id, .. } => format!(" ({id})"),
            _ => String::new(),
        };
        return language
            .pick(format!("Điểm cầu sẵn sàng{site}."), format!("The site is ready{site}."));
    };
    let mend = finding.mend.as_ref().unwrap_or(&finding.found).pick(language);
    language.pick(
        format!("Việc cần làm trước tiên (mục {number}): {mend}."),
        format!("The first thing to do (number {number}): {mend}."),
    )
}

/// One object; `name` and `state` are for programs and never change.
pub(super) fn json(evidence: &Evidence, findings: &[Finding], language: Language) -> Value {
    let checks: Vec<Value> = findings
        .iter()
        .enumerate()
        .map(|(index, finding)| {
            json!({
                "number": index + 1,
                "name": finding.name,
                "state": match finding.colour {
                    Colour::Green => "green",
                    Colour::Yellow => "yellow",
                    Colour::Red => "red",
                },
                "title": finding.title.pick(language),
                "found": finding.found.pick(language),
                "mend": finding.mend.as_ref().map(|mend| mend.pick(language)),
            })
        })
        .collect();
    json!({
        "ready": first(findings).is_none(),
        "first": first(findings).map(|(number, _)| number),
        "said": last_line(evidence, findings, language),
        "checks": checks,
    })
}
