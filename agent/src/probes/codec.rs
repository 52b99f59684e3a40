//! What every codec is asked, whoever made it: how far up the ladder it stands, and what its
//! picture and sound are like in a call.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wire::reading::{Failure, Reason};
use wire::{Cause, DeviceState};

use crate::tally::Run;

/// In a call: above it people hear and see it. The collector judges the values themselves by its
/// own policy, of which these are the defaults.
const LOSS_RATIO: f64 = 0.01;
/// See [`LOSS_RATIO`].
const JITTER_SECONDS: f64 = 0.03;

/// The rungs, each `None` where nobody can tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ladder {
    pub(super) link: Option<bool>,
    pub(super) login: Option<bool>,
    pub(super) api: Option<bool>,
    pub(super) registered: Option<bool>,
    pub(super) awake: Option<bool>,
    pub(super) in_call: Option<bool>,
}

impl Ladder {
    /// How far a run came that failed.
    pub(super) fn of_failure(failure: &Failure) -> Self {
        let (link, api) = match failure.reason {
            Reason::Timeout | Reason::Unreachable | Reason::Resolve => (Some(false), None),
            // It answers, if only to say no.
            Reason::Refused | Reason::Tls | Reason::Protocol | Reason::Unexpected => {
                (Some(true), Some(false))
            }
            _ => (None, None),
        };
        Self { link, api, ..Self::default() }
    }

    /// How far a run came whose password was refused.
    pub(super) fn refused() -> Self {
        Self { link: Some(true), login: Some(false), ..Self::default() }
    }

    /// How far a run came that was told all it asked for.
    pub(super) fn answered() -> Self {
        Self { link: Some(true), login: Some(true), api: Some(true), ..Self::default() }
    }

    /// Tells the rungs, and in a call its channels.
    pub(super) fn record(self, run: &mut Run<'_>, media: &Media) {
        let good = (self.in_call == Some(true)).then(|| media.is_good()).flatten();
        for (metric, rung, vi, en) in [
            ("bridge_codec_link_up", self.link, "Kết nối mạng", "Link"),
            ("bridge_codec_login_accepted", self.login, "Đăng nhập", "Login"),
            ("bridge_codec_api_answering", self.api, "Giao diện điều khiển", "API"),
            ("bridge_codec_registered", self.registered, "Đăng ký máy chủ", "Registered"),
            ("bridge_codec_awake", self.awake, "Đang thức", "Awake"),
            ("bridge_codec_in_call", self.in_call, "Trong cuộc gọi", "In a call"),
            ("bridge_codec_media_good", good, "Hình và tiếng tốt", "Picture and sound are good"),
        ] {
            let Some(rung) = rung else { continue };
            run.gauge(metric, f64::from(u8::from(rung)));
            let (yes_vi, yes_en) = if rung { ("có", "yes") } else { ("không", "no") };
            run.step(|| format!("{vi}: {yes_vi}."), || format!("{en}: {yes_en}."));
        }
        media.record(run);
    }
}

/// One kind of picture or sound in one direction, over all that carry it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Channel {
    pub(super) loss_ratio: Option<f64>,
    pub(super) jitter_seconds: Option<f64>,
    pub(super) bytes_per_second: Option<f64>,
}

/// The channels of all calls by their names: `video_receive`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Media(BTreeMap<String, Channel>);

impl Media {
    /// Adds a channel. Of several of one name, as in a call of many, the worst one counts.
    pub(super) fn add(&mut self, kind: &str, direction: &str, channel: Channel) {
        let all = self.0.entry(format!("{kind}_{direction}")).or_default();
        let worse =
            |one: Option<f64>, other: Option<f64>| one.into_iter().chain(other).reduce(f64::max);
        all.loss_ratio = worse(all.loss_ratio, channel.loss_ratio);
        all.jitter_seconds = worse(all.jitter_seconds, channel.jitter_seconds);
        let rates = [all.bytes_per_second, channel.bytes_per_second];
        all.bytes_per_second = rates.into_iter().flatten().reduce(|one, other| one + other);
    }

    /// `None` where no channel tells anything.
    fn is_good(&self) -> Option<bool> {
        let told =
            |channel: &&Channel| channel.loss_ratio.is_some() || channel.jitter_seconds.is_some();
        let mut channels = self.0.values().filter(told).peekable();
        channels.peek()?;
        Some(channels.all(|channel| {
            channel.loss_ratio.is_none_or(|loss| loss < LOSS_RATIO)
                && channel.jitter_seconds.is_none_or(|jitter| jitter < JITTER_SECONDS)
        }))
    }

    fn record(&self, run: &mut Run<'_>) {
        for (name, channel) in &self.0 {
            for (metric, value) in [
                ("bridge_media_loss_ratio", channel.loss_ratio),
                ("bridge_media_jitter_seconds", channel.jitter_seconds),
                ("bridge_media_bytes_per_second", channel.bytes_per_second),
            ] {
                if let Some(value) = value {
                    run.gauge_of(metric, name, value);
                }
            }
        }
    }
}

/// A part of a codec, or the codec itself, and what is wrong with it.
#[derive(Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) part: String,
    /// `None` of a part that works.
    pub(super) cause: Option<Cause>,
    pub(super) detail: String,
}

impl Finding {
    pub(super) fn good(part: &str) -> Self {
        Self { part: part.to_owned(), cause: None, detail: String::new() }
    }

    pub(super) fn wrong(part: &str, cause: Cause, detail: impl Into<String>) -> Self {
        Self { part: part.to_owned(), cause: Some(cause), detail: detail.into() }
    }
}

/// What a codec says of itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Status {
    pub(super) product: Option<String>,
    pub(super) version: Option<String>,
    pub(super) uptime: Option<Duration>,
    pub(super) ladder: Ladder,
    pub(super) findings: Vec<Finding>,
    pub(super) media: Media,
}

impl Status {
    /// Tells all of it; `maker` names a codec that does not say its product.
    pub(super) fn record(&self, run: &mut Run<'_>, maker: &str) {
        let product = self.product.as_deref().unwrap_or(maker);
        let version = self.version.as_deref().unwrap_or("-");
        run.gauge_of("bridge_device_info", &format!("{product} {version}"), 1.0);
        run.step(
            || format!("{product}, phần mềm {version}."),
            || format!("{product}, software {version}."),
        );
        if let Some(uptime) = self.uptime {
            started(run, uptime);
        }
        self.ladder.record(run, &self.media);
        record(run, &self.findings);
    }
}

/// Tells the state of every part, the gravest where there are several findings of one.
pub(super) fn record(run: &mut Run<'_>, findings: &[Finding]) {
    let mut states: BTreeMap<&str, DeviceState> = BTreeMap::new();
    for Finding { part, cause, detail } in findings {
        let state = states.entry(part).or_insert(DeviceState::Ok);
        if let Some(cause) = cause {
            *state = (*state).max(cause.state());
            run.trouble(part, *cause, detail);
        }
    }
    for (part, state) in states {
        run.device(part, state);
    }
}

/// Tells since when a device runs, by this PC's clock.
pub(super) fn started(run: &mut Run<'_>, uptime: Duration) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Whole seconds: what is finer is the way's delay, and would change with every run.
    let start = now.saturating_sub(uptime).as_secs();
    run.gauge("bridge_device_start_timestamp_seconds", start as f64);
    let hours = uptime.as_secs() / 3600;
    run.step(
        || format!("Thiết bị đã chạy liên tục {hours} giờ."),
        || format!("The device has been running for {hours} h."),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::Bench;

    #[test]
    fn media_is_good_while_every_channel_is() {
        let channel = |loss_ratio, jitter_seconds| Channel {
            loss_ratio,
            jitter_seconds,
            bytes_per_second: Some(8000.0),
        };
        for (channels, good) in [
            (vec![], None),
            (vec![channel(None, None)], None),
            (vec![channel(Some(0.0), Some(0.004))], Some(true)),
            (vec![channel(Some(0.0), None), channel(Some(0.02), None)], Some(false)),
            (vec![channel(Some(0.0), Some(0.03))], Some(false)),
        ] {
            let mut media = Media::default();
            let count = channels.len();
            for channel in channels {
                media.add("video", "receive", channel);
            }
            assert_eq!(media.is_good(), good, "{media:?}");
            let ladder = Ladder { in_call: Some(true), ..Ladder::answered() };
            let found = Bench::default().record(|run| ladder.record(run, &media));
            assert_eq!(
                found.number("bridge_codec_media_good"),
                good.map(|good| f64::from(u8::from(good)))
            );
            let rate = found.number_of("bridge_media_bytes_per_second", "video_receive");
            assert_eq!(rate, (count > 0).then_some(8000.0 * count as f64));
        }
    }

    #[test]
    fn a_failure_says_how_far_it_came() {
        for (reason, link, api) in [
            (Reason::Timeout, Some(false), None),
            (Reason::Refused, Some(true), Some(false)),
            (Reason::Tls, Some(true), Some(false)),
            (Reason::Internal, None, None),
        ] {
            let ladder = Ladder::of_failure(&Failure::new(reason, ""));
            assert_eq!((ladder.link, ladder.api), (link, api), "{reason}");
            assert_eq!(ladder.registered, None);
        }
    }
}
