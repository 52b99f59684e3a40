//! The inventory: every site that is expected, whether or not it ever reported.
//!
//! ```text
//!  bytes ─▶ encoding ─▶ yaml | csv ─▶ draft ─▶ rules ─▶ Inventory, or every fault with its place
//! ```

mod csv;
mod draft;
pub(crate) mod encoding;
mod folded;
mod rules;
mod subnet;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wire::ids::{AreaId, SiteId};
use wire::reading::Capability;
use wire::yaml::{Fault, Faults};

pub(crate) use encoding::decode;
pub use folded::folded;
pub use subnet::Subnet;

/// The largest file that is read: 20,000 sites with long names in UTF-16 take half of it.
const FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Areas and sites by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    /// The administrative tree; any depth, no cycles, every parent present.
    pub areas: BTreeMap<AreaId, Area>,
    /// The sites.
    pub sites: BTreeMap<SiteId, Site>,
}

impl Inventory {
    /// Whose lines all these sites have; `None` where they differ or nobody wrote it.
    #[must_use]
    pub fn provider_of(&self, sites: &[SiteId]) -> Option<&str> {
        let mut providers = sites.iter().map(|id| self.sites.get(id).map(|site| &*site.provider));
        let first = providers.next()?.filter(|provider| !provider.is_empty())?;
        providers.all(|provider| provider == Some(first)).then_some(first)
    }
}

/// A node of the administrative tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Its name for people.
    pub name: String,
    /// The node above it; none at the top.
    pub parent: Option<AreaId>,
}

/// An expected site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its name for people (`UBND xã Hoằng Lộc`).
    pub name: String,
    /// Its administrative level (`commune`); free text, data only.
    pub level: String,
    /// The area it lies in.
    pub area: Option<AreaId>,
    /// The line or node it hangs on; sites of one uplink fail together.
    pub uplink: String,
    /// Whose line it is (`VNPT`); free text, data only.
    pub provider: String,
    /// Degrees north.
    pub lat: Option<f64>,
    /// Degrees east.
    pub lon: Option<f64>,
    /// Who is called; never a metric label.
    pub contact: Option<Contact>,
    /// What a meeting needs of it.
    pub needs: Vec<Capability>,
    /// Names its PC may have, for PCs that enrol with the fleet's code.
    pub hosts: Vec<String>,
    /// Networks its PC may be in, for the same.
    pub subnets: Vec<Subnet>,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The person.
    pub name: String,
    /// The telephone number as people write it.
    pub phone: String,
}

/// Reads the inventory in `path`: YAML or CSV by its extension.
pub fn load(path: &Path) -> Result<Inventory, Faults> {
    let bytes = read(path).map_err(|error| unread(path, &error))?;
    parse(path, &bytes)
}

/// The content of `path`, at most [`FILE_BYTES`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES {
        let message = format!("larger than {} MiB", FILE_BYTES / 1024 / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// The fault of a file that cannot be read at all.
pub(crate) fn unread(path: &Path, error: &io::Error) -> Faults {
    whole(path, format!("the inventory cannot be read: {error}"))
}

/// Reads `bytes`, the content of `path`, as an inventory.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Inventory, Faults> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let reader = match extension.to_ascii_lowercase().as_str() {
        "yaml" | "yml" => yaml::read,
        "csv" => csv::read,
        "xlsx" | "xlsm" | "xls" | "ods" => {
            return Err(whole(
                path,
                "a workbook is not read; save the sheet as CSV UTF-8 and name that file",
            ));
        }
        _ => return Err(whole(path, "an inventory is a file whose name ends in .yaml or .csv")),
    };
    let text = decode(bytes).map_err(|message| whole(path, message))?;
    reader(path, &text)
}

fn whole(path: &Path, message: impl Into<String>) -> Faults {
    let message = message.into();
    Faults(vec![Fault { file: path.to_owned(), line: 0, column: 0, key: String::new(), message }])
}
