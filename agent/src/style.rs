//! Colours on a terminal, plain text when piped or asked for with `NO_COLOR`.

use std::io::IsTerminal;

/// How to dress a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    coloured: bool,
}

impl Style {
    /// No colours.
    pub const PLAIN: Self = Self { coloured: false };

    /// Colours if standard output is a terminal and `NO_COLOR` (no-color.org) is not set.
    #[must_use]
    pub fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { coloured: std::io::stdout().is_terminal() && !unwanted }
    }

    /// What is well.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.dress(text, "32")
    }

    /// What failed.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.dress(text, "31")
    }

    /// What to look at first.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        self.dress(text, "1")
    }

    /// What matters less.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        self.dress(text, "2")
    }

    fn dress(self, text: &str, code: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
