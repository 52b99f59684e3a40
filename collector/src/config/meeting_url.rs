//! One calendar that is fetched: an entry of `meeting_urls`.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Deserializer, de};
use wire::duration::Span;
use wire::ids::MeetingId;

/// Calendar servers count requests; Google lets a secret address be read a few times an hour.
const EVERY: Span = Span::seconds(15 * 60);

/// More often would be noticed by the server before anybody notices here.
const EVERY_MIN: Duration = Duration::from_mins(1);

/// A meeting of tomorrow must be known today.
const EVERY_MAX: Duration = Duration::from_hours(24);

/// Calendars in all: one of each committee and department of a province.
pub(super) const CALENDARS: usize = 50;

/// A calendar at a web address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeetingUrl {
    /// What it is called in messages: its address may be a secret.
    pub name: MeetingId,
    /// Where it is.
    pub url: CalendarUrl,
    /// Between two looks.
    #[serde(default = "every")]
    pub every: Span,
    /// An authority of its own (PEM), trusted beside the system's.
    pub authority: Option<PathBuf>,
}

/// An address of HTTP or HTTPS.
#[derive(Clone, PartialEq)]
pub struct CalendarUrl(pub Url);

impl std::fmt::Debug for CalendarUrl {
    /// Whoever has the secret address of a calendar can read it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

fn every() -> Span {
    EVERY
}

impl MeetingUrl {
    /// What no key can know by itself.
    pub(super) fn fault(&self) -> Option<(&'static str, String)> {
        let Span(every) = self.every;
        (!(EVERY_MIN..=EVERY_MAX).contains(&every)).then(|| {
            let (least, most) = (Span(EVERY_MIN), Span(EVERY_MAX));
            ("every", format!("{} is not between {least} and {most}", self.every))
        })
    }
}

impl<'de> Deserialize<'de> for CalendarUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // What calendar programs call an address to subscribe to.
        let web = text.strip_prefix("webcal://").map(|rest| format!("https://{rest}"));
        let url = Url::parse(web.as_deref().unwrap_or(&text)).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.map(Self).ok_or_else(|| {
            de::Error::custom(
                "is not an address like https://calendar.tinh.gov.vn/hop-truc-tuyen.ics",
            )
        })
    }
}
