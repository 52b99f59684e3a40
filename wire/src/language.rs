//! The two languages of people's output. Machines are spoken to in ASCII English.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Vietnamese or English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Tiếng Việt: the people this is for.
    #[default]
    Vi,
    /// English.
    En,
}

impl Language {
    /// The text of this language.
    #[must_use]
    pub fn pick<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    /// The language a POSIX environment asks for (`LC_ALL`, then `LC_MESSAGES`, then `LANG`):
    /// Vietnamese where it says so, English where it names another language or the C locale,
    /// `None` where it says nothing.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let value = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))?;
        Some(if value.to_ascii_lowercase().starts_with("vi") { Self::Vi } else { Self::En })
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "vi" => Ok(Self::Vi),
            "en" => Ok(Self::En),
            other => Err(format!("{other:?} is not a language here: vi or en")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_only_when_it_speaks() {
        let said = |pairs: &'static [(&str, &str)]| {
            Language::from_environment(move |name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[("LANG", "vi_VN.UTF-8")]), Some(Language::Vi));
        assert_eq!(said(&[("LC_ALL", "en_US.UTF-8"), ("LANG", "vi_VN")]), Some(Language::En));
        assert_eq!(said(&[("LC_ALL", ""), ("LANG", "vi_VN")]), Some(Language::Vi));
    }
}
