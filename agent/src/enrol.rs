//! Enrolment: a technician types one string, and this PC is a site.

use std::path::Path;

use wire::Language;

/// Enrols this PC with `code` for the configuration at `config`, telling the person at the
/// terminal what happens; false where it failed.
pub async fn command(_code: &str, _config: &Path, _language: Language) -> bool {
    false
}
