//! Lines into a configuration that a person wrote, whose words and order stay. Pure.

use super::proposal::Line;

/// What an agent measures that was told nothing; a list of probes takes its place, and so it has
/// to stand in the list.
const DEFAULTS: &[(&str, &str)] = &[
    ("host", "{ host: {} }"),
    ("power", "{ power: {} }"),
    ("link", "{ link: {} }"),
    ("clock", "{ clock: {} }"),
];

/// `text` with these probes; `None` where its `probes` are not written line by line.
pub(super) fn inserted(text: &str, lines: &[Line]) -> Option<String> {
    let at = text.lines().position(|line| line.starts_with("probes:"));
    let Some(at) = at else {
        let defaults = DEFAULTS.iter().map(|(name, probe)| format!("  {name}: {probe}\n"));
        let ours = lines.iter().map(|line| format!("  {line}\n"));
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let list: String = defaults.chain(ours).collect();
        return Some(format!("{text}{end}probes:\n{list}"));
    };
    let after = text.lines().nth(at)?.trim_start_matches("probes:").trim();
    if !(after.is_empty() || after.starts_with('#')) {
        return None;
    }
    let indent = text.lines().skip(at + 1).find_map(|line| {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        (!content.is_empty() && !content.starts_with('#')).then_some(indent)
    });
    let indent = " ".repeat(indent.filter(|indent| *indent > 0)?);
    let mut all = String::new();
    for (number, line) in text.lines().enumerate() {
        all.push_str(line);
        all.push('\n');
        if number == at {
            all.extend(lines.iter().map(|line| format!("{indent}{line}\n")));
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_camera(text: &str) -> Option<String> {
        let line = Line { name: "camera".to_owned(), probe: "{ camera: {} }".to_owned() };
        inserted(text, &[line])
    }

    #[test]
    fn lines_come_below_probes_in_their_own_indentation() {
        let text = "# mine\nprobes:   # all of them\n    # the MCU\n    mcu: { icmp: { host: a } }\nlanguage: vi\n";
        let expected = "# mine\nprobes:   # all of them\n    camera: { camera: {} }\n    # the MCU\n    mcu: { icmp: { host: a } }\nlanguage: vi\n";
        assert_eq!(with_camera(text).as_deref(), Some(expected));
    }

    #[test]
    fn without_probes_the_default_ones_are_named_too() {
        let text = with_camera("language: vi").unwrap();
        assert!(text.starts_with("language: vi\nprobes:\n  host: { host: {} }\n"), "{text}");
        assert!(text.ends_with("\n  camera: { camera: {} }\n"), "{text}");
    }

    #[test]
    fn probes_in_one_line_or_without_any_are_a_persons_to_change() {
        for text in ["probes: { pc: { host: {} } }\n", "probes:\nlanguage: vi\n", "probes:\n"] {
            assert_eq!(with_camera(text), None, "{text}");
        }
    }
}
