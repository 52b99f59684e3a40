//! The words of faults: for the person who wrote the file, not for who wrote the program.

use std::fmt::Write as _;

use serde::de::Unexpected;

/// So much of a text or path that one finds it; a file may be one long line.
pub(super) fn excerpt(text: &str) -> String {
    const CHARS: usize = 80;
    let mut excerpt: String = text.chars().take(CHARS).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}

/// `` `a`, `b`, `c` ``.
pub(super) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// `` ; did you mean `every`? ``, or only a full stop.
pub(super) fn did_you_mean(word: &str, known: &[&'static str]) -> String {
    match nearest(word, known) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => ".".to_owned(),
    }
}

/// The known word that a slip of the hand turns into this one.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    // One slip in four letters; beyond that a guess misleads more than it helps.
    let most = (word.chars().count() / 4).clamp(1, 3);
    known
        .iter()
        .map(|candidate| (slips(&word, candidate), *candidate))
        .filter(|(slips, candidate)| *slips <= most && *slips < candidate.chars().count())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Letters to add, drop, change or swap with their neighbour (Damerau, restricted).
fn slips(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = above[j] + usize::from(a != b);
            let mut least = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(from.len())
}

/// What a library's type expects, in plain words.
pub(super) fn expected(words: &str) -> String {
    let plain = match words {
        "a string" | "a borrowed string" | "path string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "keys with their values",
        "a character" => "one character",
        "unit" => "nothing",
        _ if words.starts_with("a nonzero ") => "a whole number above 0",
        _ if words.starts_with("struct ") => "keys with their values",
        _ => return words.to_owned(),
    };
    plain.to_owned()
}

/// What stands there instead.
pub(super) fn found(unexpected: &Unexpected<'_>) -> String {
    let mut words = String::new();
    let written = match unexpected {
        Unexpected::Bool(value) => write!(words, "`{value}`"),
        Unexpected::Unsigned(value) => write!(words, "`{value}`"),
        Unexpected::Signed(value) => write!(words, "`{value}`"),
        Unexpected::Float(value) => write!(words, "`{value}`"),
        Unexpected::Str(value) => write!(words, "`{value}`"),
        Unexpected::Unit | Unexpected::Option => write!(words, "nothing"),
        Unexpected::Seq => write!(words, "a list"),
        Unexpected::Map => write!(words, "keys"),
        other => write!(words, "{other}"),
    };
    // Writing into a String cannot fail.
    debug_assert!(written.is_ok());
    words
}

/// What an address should look like whose parser says only that it does not.
pub(super) fn address(message: &str) -> Option<&'static str> {
    match message {
        "invalid socket address syntax" => {
            Some("an address with a port, like 0.0.0.0:8443 or [::]:8443")
        }
        "invalid IP address syntax" => Some("an IP address like 10.0.0.10"),
        "invalid IPv4 address syntax" => Some("an IPv4 address like 10.0.0.10"),
        "invalid IPv6 address syntax" => Some("an IPv6 address like 2001:db8::1"),
        _ => None,
    }
}
