//! One scrape, parsed as Prometheus would.

use std::collections::BTreeMap;

/// The lines of one scrape.
#[derive(Debug, Clone, Default)]
pub struct Scrape {
    lines: Vec<Line>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its metric.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Scrape {
    /// Parses the text format.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        Self {
            lines: lines
                .map(|line| parse(line).unwrap_or_else(|| panic!("not a sample: {line}")))
                .collect(),
        }
    }

    /// The value of the one series that has at least these labels.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |line: &&Line| {
            labels.iter().all(|(key, value)| line.labels.get(*key).is_some_and(|own| own == value))
        };
        let mut found = self.lines.iter().filter(|line| line.name == name).filter(has);
        let first = found.next()?;
        assert!(
            found.next().is_none(),
            "{name}{labels:?} is more than one series: {:#?}",
            self.lines(name)
        );
        Some(first.value)
    }

    /// All series of a metric.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<&Line> {
        self.lines.iter().filter(|line| line.name == name).collect()
    }

    /// All series.
    #[must_use]
    pub fn all(&self) -> &[Line] {
        &self.lines
    }
}

fn parse(line: &str) -> Option<Line> {
    let (name, rest) = line.split_at(line.find(['{', ' '])?);
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(key.trim_start_matches(',').to_owned(), value);
            rest = after;
        }
        rest = &rest[1..];
    }
    let value = rest.split_whitespace().next()?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().ok()?,
    };
    Some(Line { name: name.to_owned(), labels, value })
}

/// A label's value up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_what_was_escaped_in_them() {
        let scrape = Scrape::read(
            "# HELP a b\na{x=\"1\",name=\"UBND \\\"xã\\\", {Hoằng} \\\\\"} 2.5 1700\nb -1\n",
        );
        assert_eq!(scrape.value("a", &[("name", "UBND \"xã\", {Hoằng} \\")]), Some(2.5));
        assert_eq!(scrape.value("b", &[]), Some(-1.0));
        assert_eq!(scrape.value("c", &[]), None);
    }
}
