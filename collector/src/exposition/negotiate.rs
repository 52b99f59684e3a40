//! What a scraper asked for, from `Accept` and `Accept-Encoding` (RFC 9110, section 12.5). Pure.

/// A format of the exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4, which everybody reads.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

/// A coding of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// None.
    Identity,
    /// What Prometheus asks for.
    Gzip,
    /// Smaller and cheaper, where it is understood.
    Zstd,
}

/// What a scraper asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The format.
    pub format: Format,
    /// The coding.
    pub coding: Coding,
}

impl Wanted {
    /// Reads the headers. Whatever cannot be satisfied gets plain text: a person with a browser
    /// is better served so than with an error.
    #[must_use]
    pub fn from_headers(accept: Option<&str>, accept_encoding: Option<&str>) -> Self {
        Self {
            format: format(accept.unwrap_or_default()),
            coding: coding(accept_encoding.unwrap_or_default()),
        }
    }

    /// The answer's `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self.format {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The answer's `Content-Encoding`, if any. The answer also varies by both request headers.
    #[must_use]
    pub fn content_encoding(self) -> Option<&'static str> {
        match self.coding {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            Coding::Zstd => Some("zstd"),
        }
    }
}

fn format(accept: &str) -> Format {
    let (mut text, mut open_metrics) = (0, 0);
    for choice in accept.split(',').map(Choice::parse) {
        let version = choice.parameter("version");
        match choice.name {
            "application/openmetrics-text" if matches!(version, None | Some("1.0.0")) => {
                open_metrics = open_metrics.max(choice.weight);
            }
            "text/plain" if matches!(version, None | Some("0.0.4")) => {
                text = text.max(choice.weight);
            }
            _ => {}
        }
    }
    if open_metrics > text { Format::OpenMetrics } else { Format::Text }
}

fn coding(accept_encoding: &str) -> Coding {
    let (mut gzip, mut zstd, mut identity) = (0, 0, None);
    for choice in accept_encoding.split(',').map(Choice::parse) {
        match choice.name {
            "zstd" => zstd = choice.weight,
            "gzip" | "x-gzip" => gzip = choice.weight,
            "identity" => identity = Some(choice.weight),
            _ => {}
        }
    }
    // Not named, it is acceptable but not asked for.
    let identity = identity.unwrap_or(0);
    if zstd > 0 && zstd >= gzip && zstd >= identity {
        Coding::Zstd
    } else if gzip > 0 && gzip >= identity {
        Coding::Gzip
    } else {
        Coding::Identity
    }
}

/// Whether gzip is understood, for what is written in no other coding.
pub(crate) fn takes_gzip(accept_encoding: Option<&str>) -> bool {
    let choices = accept_encoding.unwrap_or_default().split(',').map(Choice::parse);
    let mut gzip = choices.filter(|choice| matches!(choice.name, "gzip" | "x-gzip"));
    gzip.any(|choice| choice.weight > 0)
}

/// One element of a list with weights.
struct Choice<'a> {
    name: &'a str,
    parameters: &'a str,
    /// In thousandths, as fine as the RFC allows.
    weight: u32,
}

impl<'a> Choice<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        let mut choice = Self { name: name.trim(), parameters, weight: 1000 };
        if let Some(quality) = choice.parameter("q") {
            let quality: f64 = quality.parse().unwrap_or(0.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast of a float saturates, and NaN becomes 0"
            )]
            let weight = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
            choice.weight = weight;
        }
        choice
    }

    fn parameter(&self, wanted: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.trim() == wanted).then(|| value.trim().trim_matches('"'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_asked_for_most() {
        for (accept, expected) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            ("application/openmetrics-text;version=\"1.0.0\"", Format::OpenMetrics),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=0.3,text/plain;q=0.5", Format::Text),
            // Prometheus 2 and 3.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1",
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(Wanted::from_headers(Some(accept), None).format, expected, "{accept}");
        }
    }

    #[test]
    fn the_coding_is_the_best_of_those_asked_for() {
        for (accept_encoding, expected) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br", Coding::Gzip),
            ("gzip, zstd", Coding::Zstd),
            ("gzip;q=1.0, zstd;q=0.5", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("gzip;q=rubbish", Coding::Identity),
            ("br", Coding::Identity),
        ] {
            let wanted = Wanted::from_headers(None, Some(accept_encoding));
            assert_eq!(wanted.coding, expected, "{accept_encoding}");
        }
    }

    #[test]
    fn gzip_is_taken_by_whoever_names_it() {
        for (accept_encoding, expected) in [
            (Some("gzip, deflate, br, zstd"), true),
            (Some("zstd, gzip;q=0.1"), true),
            (Some("gzip;q=0"), false),
            (Some("identity"), false),
            (None, false),
        ] {
            assert_eq!(takes_gzip(accept_encoding), expected, "{accept_encoding:?}");
        }
    }

    #[test]
    fn no_wish_is_too_strange() {
        let shapes = [
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "gzip;q=1.0, zstd ; q=0.5, identity; q=0, *;q=0",
        ];
        crate::mutations::survives(&shapes, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let shard = super::super::shard::Shard::from_query(Some(&text));
            (Wanted::from_headers(Some(&text), Some(&text)), shard)
        });
    }
}
