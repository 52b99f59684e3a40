//! Durations as people write them in configurations: `15s`, `2h30m`, `1m 30s`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;

use serde::{Deserialize, Deserializer, de};

/// A duration that reads `15s` and prints `15s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

impl Span {
    /// Whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::SignedDuration::try_from(self.0) {
            Ok(duration) => write!(f, "{duration:#}"),
            Err(_) => write!(f, "{}s", self.0.as_secs()),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Span>()
            .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .map(Span)
            .ok_or_else(|| format!("{text:?} is not a duration like 15s, 5m, 2h30m or 7d"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, seconds) in
            [("15s", 15), ("2h30m", 9000), ("1m 30s", 90), ("0s", 0), ("7d", 604_800)]
        {
            let span: Span = serde_yaml::from_str(text).unwrap();
            assert_eq!(span, Span::seconds(seconds), "{text}");
            assert_eq!(serde_yaml::from_str::<Span>(&span.to_string()).unwrap(), span);
        }
        for bad in ["15", "-3s", "soon", "\"\"", "1mo"] {
            assert!(serde_yaml::from_str::<Span>(bad).is_err(), "{bad}");
        }
    }
}
