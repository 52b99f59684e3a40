//! `doctor`: everything this product needs on this PC, and how to mend what is missing.
//!
//! ```text
//!   look (sockets, disk, probes) ─▶ Evidence ─▶ judge (pure) ─▶ [Finding] ─▶ told, JSON, bundle
//! ```
//! The numbers of the checks never change, so that one can be read over the telephone.

mod bundle;
mod judge;
mod look;
mod told;

use std::path::Path;

use wire::enrolment::EnrolError;
use wire::reading::Reading;
use wire::yaml::Faults;
use wire::{Language, UnixMillis};

use crate::config::{Config, File};
use crate::contact::Contact;
use crate::spool::Statistics;
use crate::style::Style;
use crate::tally::Trace;
use crate::uplink::Closed;
use crate::words::{Words, words};

/// How the findings are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// For programs instead of people.
    pub json: bool,
    /// Where to write what support needs.
    pub bundle: Option<&'a Path>,
}

/// Examines this PC and tells it; true where nothing keeps the site from its meetings.
pub async fn command(
    path: &Path,
    config: Result<Config, Faults>,
    language: Language,
    wanted: Wanted<'_>,
) -> bool {
    let evidence = look::look(config).await;
    let findings = judge::judge(&evidence);
    if wanted.json {
        println!("{}", told::json(&evidence, &findings, language));
    } else {
        print!("{}", told::told(&evidence, &findings, language, Style::of_stdout()));
    }
    let ready = told::first(&findings).is_none();
    let Some(file) = wanted.bundle else { return ready };
    match bundle::write(file, path, &evidence, &findings) {
        Ok(()) => eprintln!(
            "{}",
            language.pick(
                format!(
                    "Đã ghi {} để gửi cho bộ phận hỗ trợ; trong đó không có bí mật nào.",
                    file.display()
                ),
                format!("Wrote {} for support; there is no secret in it.", file.display()),
            )
        ),
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return false;
        }
    }
    ready
}

/// What the running agent found of itself, to be told.
#[derive(Debug)]
pub(crate) struct Seen(Evidence);

impl Seen {
    /// Looks around from inside the agent; `readings` are the latest of its probes.
    pub(crate) async fn now(file: &File, readings: Vec<Reading>) -> Self {
        Self(look::look_within(file, readings).await)
    }

    /// As `doctor --json` tells it.
    pub(crate) fn told(&self, language: Language) -> serde_json::Value {
        told::json(&self.0, &judge::judge(&self.0), language)
    }

    /// This PC's clock minus the collector's in milliseconds, where that answered.
    pub(crate) fn clock_offset(&self) -> Option<UnixMillis> {
        self.0.collector.as_ref()?.as_ref().ok().copied()
    }
}

/// What was seen.
#[derive(Debug)]
struct Evidence {
    /// How many probes there are, or what is wrong with the configuration.
    configuration: Result<usize, String>,
    state_dir: String,
    /// Whether this user may write there; `None` where it does not exist yet.
    rights: Option<Result<(), String>>,
    enrolment: Enrolment,
    /// The proxy on the way to the collector.
    proxy: Option<String>,
    /// The collector's addresses; `None` where there is no name to look up.
    name: Option<Result<(), String>>,
    /// What the collector said, and this PC's clock minus its own in milliseconds; `None` where
    /// this PC is not enrolled.
    collector: Option<Result<i64, Closed>>,
    contact: Option<Since>,
    spool: Spool,
    /// What each probe said.
    probes: Vec<(Reading, Trace)>,
}

/// The last report of this agent that the collector took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Since {
    /// By the collector's clock.
    contact: Contact,
    /// How long ago; `None` where this PC's clock was set back since.
    ago_ms: Option<u64>,
}

/// Who this PC is.
#[derive(Debug)]
enum Enrolment {
    Missing,
    /// With the fleet's code: it waits for its site under this number.
    Waiting(i64),
    /// It has a code that it could not use yet, of this collector.
    Kept(String),
    /// The code that it kept was refused for good.
    Refused(EnrolError),
    Damaged(String),
    /// What is here was made on another machine, for this site: the disk was copied.
    Elsewhere(String),
    Site {
        id: String,
        collector: String,
    },
}

/// What the spool's file shows.
#[derive(Debug)]
enum Spool {
    /// There is none: the agent has never run here.
    None,
    /// The running agent holds it.
    Held,
    /// Nobody holds it.
    Free(Statistics),
    /// It cannot be opened.
    Unusable(String),
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Colour {
    Green,
    Yellow,
    Red,
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// For programs, and never changed.
    name: &'static str,
    title: Words,
    colour: Colour,
    found: Words,
    /// How to mend it; none where there is nothing to mend.
    mend: Option<Words>,
}
