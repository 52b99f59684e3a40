//! What the configuration may say, checked when it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, de};
use url::Url;

/// A URL of a web server. Boxed, as are the headers: a `Url` is as big as a small probe.
#[derive(Debug, Clone)]
pub struct WebAddress(pub(super) Box<Url>);

/// Without user, password and query, which may be secrets.
impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())
    }
}

impl<'de> Deserialize<'de> for WebAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let url = Url::parse(&text).ok();
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .map(|url| Self(Box::new(url)))
            .ok_or_else(|| {
                de::Error::custom(format_args!(
                    "{text:?} is not the address of a web server, like https://mcu.tinh.gov.vn/"
                ))
            })
    }
}

/// Status codes that are good.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Statuses(Vec<StatusRange>);

impl Statuses {
    /// Answers of a server that works: content or a redirect.
    const DEFAULT: RangeInclusive<u16> = 200..=399;

    /// Whether the configuration itself names the code.
    pub(super) fn names(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.0.contains(&status))
    }

    pub(super) fn good(&self, status: u16) -> bool {
        self.names(status) || (self.0.is_empty() && Self::DEFAULT.contains(&status))
    }
}

/// `200` or `200..299`, both ends included.
#[derive(Debug, Clone)]
struct StatusRange(RangeInclusive<u16>);

impl StatusRange {
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let range = first.trim().parse().ok()?..=last.trim().parse().ok()?;
        // RFC 9110 § 15: three digits.
        let possible = 100..=599;
        let sound = possible.contains(range.start()) && possible.contains(range.end());
        (sound && !range.is_empty()).then_some(Self(range))
    }
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = StatusRange;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status code like 200 or a range like 200..399")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<StatusRange, E> {
                StatusRange::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_u64<E: de::Error>(self, code: u64) -> Result<StatusRange, E> {
                self.visit_str(&code.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Header fields to send.
#[derive(Debug, Clone, Default)]
pub struct Headers(pub(super) Box<HeaderMap>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in BTreeMap::<String, String>::deserialize(deserializer)? {
            let field = HeaderName::try_from(&name).map_err(|_| {
                de::Error::custom(format_args!("{name:?} cannot be the name of a header field"))
            })?;
            let mut value = HeaderValue::try_from(&value).map_err(|_| {
                // The value itself may be a secret and stays out of the message.
                de::Error::custom(format_args!("the value of {name:?} cannot be sent in a header"))
            })?;
            value.set_sensitive(true);
            headers.insert(field, value);
        }
        Ok(Self(Box::new(headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::http::Http;

    fn http(more: &str) -> Result<Http, serde_yaml::Error> {
        serde_yaml::from_str(&format!("{{ url: \"https://mcu.example/\"{more} }}"))
    }

    #[test]
    fn good_codes_are_named_or_content_and_redirects() {
        for (yaml, code, good) in [
            ("", 200, true),
            ("", 399, true),
            ("", 400, false),
            (", status: [401]", 401, true),
            (", status: [401]", 200, false),
            (", status: [200, 300..303]", 303, true),
            (", status: [200, 300..303]", 304, false),
        ] {
            assert_eq!(http(yaml).unwrap().status.good(code), good, "{yaml} {code}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_would() {
        for (yaml, message) in [
            (", status: [20]", "a status code like 200 or a range like 200..399"),
            (", status: [399..200]", "a status code like 200 or a range like 200..399"),
            (", status: [ok]", "a status code like 200 or a range like 200..399"),
            (", proxy: socks5://10.0.0.1", "is not the address of a web server"),
            (", headers: { \"a b\": c }", "cannot be the name of a header field"),
            (", headers: { a: \"b\\nc\" }", "cannot be sent in a header"),
            (", method: POST", "unknown field `method`"),
        ] {
            let error = http(yaml).unwrap_err().to_string();
            assert!(error.contains(message), "{yaml}: {error}");
        }
        let error = serde_yaml::from_str::<Http>("{ url: mcu.example }").unwrap_err().to_string();
        assert!(error.contains("is not the address of a web server"), "{error}");
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let yaml = "\"https://user:word@mcu.example:8443/status?token=1\"";
        let address: WebAddress = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(address.to_string(), "https://mcu.example:8443/status");
    }
}
