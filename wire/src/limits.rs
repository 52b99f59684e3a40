//! Every bound on what travels, with its reason. Both sides enforce them: the agent so that it
//! never sends what would be refused, the collector because it distrusts every byte.

/// Compressed request body. A full batch of ordinary reports is some 200 KiB; this leaves room
/// for sites with many devices and still bounds what a stranger can make the collector hold.
pub const BODY_BYTES: usize = 1024 * 1024;

/// Request body after decompression, counted while it is unpacked: zstd reaches ratios of 1,000
/// and more, so the compressed bound alone would let 1 MiB become gigabytes.
pub const UNPACKED_BYTES: usize = 8 * 1024 * 1024;

/// Reports in one batch: two hours of backlog at one report each 15 s.
pub const REPORTS_PER_BATCH: usize = 500;

/// Readings in one report: a bridge has about a dozen probes, an operator's server a hundred.
pub const READINGS_PER_REPORT: usize = 256;

/// Samples in one report, over all its readings; an ordinary bridge sends some 100.
pub const SAMPLES_PER_REPORT: usize = 1024;

/// Characters in an id (site, probe, area, meeting). Ids become label values and file names.
pub const ID_CHARS: usize = 64;

/// Characters in any other text (names, details, label values).
pub const TEXT_CHARS: usize = 256;

/// Different values one label may take in one reading of one metric; a mount table gone wild
/// must not become a thousand series.
pub const LABEL_VALUES_PER_METRIC: usize = 64;

/// An interval a probe may claim. Longer than a day and its reading would never expire.
pub const EVERY_MILLIS_MAX: u64 = 24 * 60 * 60 * 1000;

/// The protocol version in a batch. Raised only when an old collector could not understand it.
pub const VERSION: u32 = 1;

/// A profile as it travels. 64 probes of some hundred bytes are 10 KiB.
pub const PROFILE_BYTES: usize = 64 * 1024;

/// Where agents talk to the collector.
pub const ENROL_PATH: &str = "/v1/enroll";
/// See [`ENROL_PATH`].
pub const REPORTS_PATH: &str = "/v1/reports";
/// See [`ENROL_PATH`].
pub const PROFILE_PATH: &str = "/v1/profile";
/// See [`ENROL_PATH`]; a program itself is below it, by the id of its manifest.
pub const UPDATE_PATH: &str = "/v1/update";
