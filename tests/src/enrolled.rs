//! Sites that count as enrolled, without a technician typing a code at each.

use std::path::Path;

use wire::enrolment::sha256_hex;

/// Writes the credentials of sites into the store of a collector that does not run yet.
pub fn write<'a>(
    state_dir: &Path,
    sites: impl Iterator<Item = (&'a str, String)>,
) -> anyhow::Result<()> {
    let mut store = collector::store::open(state_dir)?;
    let transaction = store.transaction()?;
    for (site, credential) in sites {
        transaction.execute(
            "INSERT OR REPLACE INTO credentials (site, sha256, enrolled_at, hostname) VALUES (?1, ?2, 0, '')",
            [site, &sha256_hex(credential.as_bytes())],
        )?;
    }
    transaction.commit()?;
    Ok(())
}
