//! `sites.yaml`.

use std::path::Path;

use wire::yaml::Faults;

use super::Inventory;
use super::draft::{Draft, Item};

pub(super) fn read(file: &Path, text: &str) -> Result<Inventory, Faults> {
    let (draft, mut findings) = wire::yaml::open::<Draft>(file, text);
    let Some(draft) = draft else { return findings.finish(None) };
    let (inventory, breaches) = super::rules::apply(draft);
    for breach in breaches {
        let first = breach.first.and_then(|first| findings.line(&path(first, "id")));
        let message = match first {
            Some(line) => format!("{} (in line {line})", breach.message),
            None => breach.message,
        };
        let path = path(breach.of, breach.key);
        if breach.pair { findings.add(&path, message) } else { findings.add_alone(&path, message) }
    }
    findings.finish(Some(inventory))
}

fn path(item: Item, key: &str) -> String {
    match item {
        Item::Areas | Item::Sites => key.to_owned(),
        Item::Area(index) => format!("areas[{index}].{key}"),
        Item::Site(index) => format!("sites[{index}].{key}"),
    }
}
