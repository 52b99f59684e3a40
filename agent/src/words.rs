//! A text in both languages.

use wire::Language;

/// What a person reads, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) vi: String,
    pub(crate) en: String,
}

pub(crate) fn words(vi: impl Into<String>, en: impl Into<String>) -> Words {
    Words { vi: vi.into(), en: en.into() }
}

impl Words {
    pub(crate) fn pick(&self, language: Language) -> &str {
        language.pick(&self.vi, &self.en)
    }
}
