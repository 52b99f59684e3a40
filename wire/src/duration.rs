//! Durations as people write them in configurations: `15s`, `2h30m`, `1m 30s`.

use std::fmt;
use std::time::Duration;

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

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .map(Span)
            .ok_or_else(|| {
                de::Error::custom(format_args!("{text:?} is not a duration like 15s, 5m or 2h30m"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, seconds) in [("15s", 15), ("2h30m", 9000), ("1m 30s", 90), ("0s", 0)] {
            let span: Span = serde_yaml::from_str(text).unwrap();
            assert_eq!(span, Span::seconds(seconds), "{text}");
            assert_eq!(serde_yaml::from_str::<Span>(&span.to_string()).unwrap(), span);
        }
        for bad in ["15", "-3s", "soon", "\"\""] {
            assert!(serde_yaml::from_str::<Span>(bad).is_err(), "{bad}");
        }
    }
}
