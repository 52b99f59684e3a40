//! Why reading a tree as a type stopped, and where.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::words;

/// One failure on its way from the node it happened in up to the root.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) what: What,
    /// Whether it is about the key of the last child in `steps`, not its value.
    pub(super) key: bool,
    /// Indices of children, innermost first.
    pub(super) steps: Vec<usize>,
}

#[derive(Debug)]
pub(super) enum What {
    /// Said and done.
    Message(String),
    /// A required key is not there.
    Missing(&'static str),
    /// No value could take the place of a missing key, whose fault is recorded.
    NoStandIn,
}

impl Failure {
    pub(super) fn new(what: What) -> Self {
        Self { what, key: false, steps: Vec::new() }
    }

    /// The failure as its parent sees it.
    pub(super) fn below(mut self, child: usize) -> Self {
        self.steps.push(child);
        self
    }

    pub(super) fn in_key(mut self) -> Self {
        self.key = true;
        self
    }

    /// Says of the standard library's addresses what they should look like; their own words
    /// quote nothing.
    pub(super) fn about(mut self, text: &str) -> Self {
        if let What::Message(message) = &mut self.what
            && let Some(right) = words::address(message)
        {
            *message = format!("`{text}` is not {right}");
        }
        self
    }
}

impl de::Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(What::Message(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = words::expected(&expected.to_string());
        Self::custom(format_args!("expected {expected}, found {}", words::found(&found)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = words::expected(&expected.to_string());
        Self::custom(format_args!("expected {expected}, found {length} values"))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        let maybe = words::did_you_mean(word, known);
        Self::custom(format_args!("unknown word `{word}`{maybe} Known: {}", words::list(known)))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        let maybe = words::did_you_mean(key, known);
        Self::custom(format_args!("unknown key `{key}`{maybe} Known keys: {}", words::list(known)))
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(What::Missing(key))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::custom(format_args!("the key `{key}` stands here under two of its names"))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Message(message) => f.write_str(message),
            What::Missing(key) => write!(f, "the key `{key}` is missing"),
            What::NoStandIn => f.write_str("a missing key cannot be replaced"),
        }
    }
}

impl std::error::Error for Failure {}
