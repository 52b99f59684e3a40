//! A PC that has a code and is no site yet asks again: because the collector could not be reached
//! when the code was given, or because the code is the fleet's and nobody has said which site it is.

use std::path::Path;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::DATE;
use wire::enrolment::{Code, EnrolError};
use wire::limits::PROFILE_PATH;

use super::attempt::{self, Attempt, Waits};
use super::{Answered, Failure, TIMEOUT, address, ask, on_the_way};
use crate::identity::{self, Identity};
use crate::platform;
use crate::run::unix_ms;
use crate::trust;
use crate::uplink::client;
use crate::uplink::{Cause, Closed, Mark, mark};

/// As often as the collector wants it, within reason.
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_mins(30);

/// The longest after a failure: a line that is back is used within two minutes.
const AFTER_FAILURES: Duration = Duration::from_mins(2);

/// A PC that has a code and is no site yet.
pub(crate) struct Waiting {
    attempt: Attempt,
    waits: Waits,
}

/// Whether this PC is to ask again.
pub(crate) fn waits(state_dir: &Path) -> Option<Waiting> {
    let attempt = attempt::last(state_dir)?;
    let waits = attempt.waiting.clone()?;
    Some(Waiting { attempt, waits })
}

/// Why the collector will never take the code that this PC kept.
pub(crate) fn refused(state_dir: &Path) -> Option<EnrolError> {
    attempt::last(state_dir)?.refused
}

impl Waiting {
    /// Its number at the collector; none while the collector has not answered.
    pub(crate) fn number(&self) -> Option<i64> {
        self.waits.number
    }

    fn code(&self) -> Result<Code, Failure> {
        Ok(self.waits.code.parse()?)
    }

    /// The collector that made the code.
    pub(crate) fn collector(&self) -> String {
        self.code().map_or_else(|_| String::new(), |code| address(&code))
    }

    /// Whether the collector is within reach, and this PC's clock minus its own in milliseconds,
    /// to the second; the code is not used.
    pub(crate) async fn reach(&self, proxy: Option<&str>) -> Result<i64, Closed> {
        self.knock(proxy).await.map_err(|failure| match failure {
            Failure::Way(_, failed) => {
                Closed { cause: failed.cause, mark: failed.mark, detail: failed.detail }
            }
            Failure::WrongCollector(_) => {
                let (mark, detail) = (Some(Mark::OtherAuthority), "another authority".to_owned());
                Closed { cause: Cause::Tls, mark, detail }
            }
            failure => Closed::new(Cause::Tls, failure.to_string()),
        })
    }

    async fn knock(&self, proxy: Option<&str>) -> Result<i64, Failure> {
        let code = self.code()?;
        let collector = address(&code);
        let http = client::http(trust::enrolment_config(code.pin)?.0, proxy)?;
        // Whoever is no site is answered with 401, which is enough.
        let request = http.get(format!("https://{collector}{PROFILE_PATH}")).timeout(TIMEOUT);
        let answer = match request.send().await.map_err(|error| on_the_way(&collector, &error)) {
            Err(Failure::Way(collector, failed)) => {
                let failed = mark::closer(failed, &collector, proxy).await;
                return Err(Failure::Way(collector, failed));
            }
            answer => answer?,
        };
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let there = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        Ok(there.map_or(0, |there| unix_ms().saturating_sub(there.as_millisecond())))
    }

    /// Asks once; where this PC is a site now, its identity is on disk. Tells when to ask again.
    pub(super) async fn ask(
        self,
        state_dir: &Path,
        proxy: Option<&str>,
    ) -> Result<Duration, Failure> {
        let code = self.code()?;
        let asked = ask(&code, &self.attempt.credential, proxy).await;
        let (answer, authority) = match asked {
            // A number stays good whatever becomes of the code behind it.
            Err(Failure::Refused(error, after)) if self.number().is_none() && for_good(error) => {
                self.attempt.end(state_dir, Some(error))?;
                return Err(Failure::Refused(error, after));
            }
            asked => asked?,
        };
        match answer {
            Answered::Waiting(waiting) => {
                let again = Duration::from_secs(waiting.again_seconds).clamp(LEAST, MOST);
                let number = Some(waiting.waiting);
                if self.number() != number {
                    self.attempt.wait(state_dir, Waits { number, ..self.waits })?;
                }
                Ok(again)
            }
            Answered::Site(answer) => {
                let (collector, credential) = (address(&code), self.attempt.credential.clone());
                let identity = Identity { site: answer.site, collector, authority, credential };
                identity::save(state_dir, &identity)?;
                self.attempt.end(state_dir, None)?;
                Ok(LEAST)
            }
        }
    }
}

/// Whether no later try can have another answer.
fn for_good(error: EnrolError) -> bool {
    matches!(error, EnrolError::UnknownCode | EnrolError::UsedCode | EnrolError::ExpiredCode)
}

/// How long after so many failures in a row, from 1; `asked` is what the collector wants.
fn after(failures: u32, asked: Option<u64>) -> Duration {
    let doubled = LEAST.saturating_mul(1 << failures.saturating_sub(1).min(8));
    asked.map_or(doubled, Duration::from_secs).clamp(LEAST, AFTER_FAILURES)
}

/// What an agent that is no site yet does until it is one.
#[derive(Default)]
pub(crate) struct Asking {
    /// Of the code that was asked with last.
    code: String,
    ask_at: u64,
    failures: u32,
    /// Said last, which is not said again.
    state: String,
    trouble: String,
}

impl Asking {
    /// Asks if it is time to, and tells the log what it waits for, each thing once.
    pub(crate) async fn turn(&mut self, state_dir: &Path, proxy: Option<&str>) {
        let Some(waiting) = waits(state_dir) else { return self.idle(state_dir) };
        if self.code != waiting.attempt.code {
            *self = Self { code: waiting.attempt.code.clone(), ..Self::default() };
        }
        let state = waiting.number().map_or_else(
            || {
                let collector = waiting.collector();
                format!("not enrolled yet: keeps its code until {collector} is within reach")
            },
            |number| format!("enrolled with the fleet's code; waiting for the site under {number}"),
        );
        if self.state != state {
            tracing::info!("{state}");
            self.state = state;
        }
        let now = platform::monotonic_ms();
        if now < self.ask_at {
            return;
        }
        let again = match waiting.ask(state_dir, proxy).await {
            Ok(again) => {
                (self.failures, self.trouble) = (0, String::new());
                again
            }
            Err(failure) => self.failed(&failure),
        };
        self.ask_at = now.saturating_add(u64::try_from(again.as_millis()).unwrap_or(u64::MAX));
    }

    fn failed(&mut self, failure: &Failure) -> Duration {
        let trouble = failure.to_string();
        if self.trouble != trouble {
            tracing::warn!("cannot enrol now, and goes on trying: {trouble}");
            self.trouble = trouble;
        }
        self.failures = self.failures.saturating_add(1);
        let asked = if let Failure::Refused(_, asked) = failure { *asked } else { None };
        after(self.failures, asked)
    }

    fn idle(&mut self, state_dir: &Path) {
        let state = match refused(state_dir) {
            Some(error) => format!(
                "not enrolled: the collector refused the code for good ({error:?}); \
                 waiting for `nhipcau-agent enroll CODE` with a new one"
            ),
            None => "not enrolled yet: waiting for `nhipcau-agent enroll CODE`".to_owned(),
        };
        if self.state != state {
            tracing::warn!(state_dir = %state_dir.display(), "{state}");
            self.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_back_is_used_within_two_minutes_and_a_busy_collector_is_heeded() {
        for (failures, asked, seconds) in [
            (1, None, 10),
            (2, None, 20),
            (4, None, 80),
            (5, None, 120),
            (4_000_000_000, None, 120),
            (1, Some(45), 45),
            (1, Some(1), 10),
            (1, Some(9_999), 120),
        ] {
            assert_eq!(after(failures, asked).as_secs(), seconds, "{failures} {asked:?}");
        }
    }
}
