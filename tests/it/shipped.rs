//! Every configuration file that is shipped is one that the programs take.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use collector::inventory::{self, Inventory, Site};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_shipped_configuration_is_a_good_one() {
    let mut loaded = 0;
    for file in files(&deploy()) {
        let fault = match file.file_name().and_then(OsStr::to_str).unwrap() {
            "agent.yaml" => agent::config::load(&file, true).err(),
            "collector.yaml" => collector::config::Config::read(&file).err(),
            "sites.yaml" | "sites.csv" => inventory::load(&file).err(),
            "prometheus.yml" => {
                check_with_promtool(&file);
                None
            }
            name => {
                let no_data = [".sh", ".service"].iter().any(|ending| name.ends_with(ending));
                assert!(no_data, "no test loads {}", file.display());
                continue;
            }
        };
        assert_eq!(fault.map(|fault| fault.to_string()), None);
        loaded += 1;
    }
    assert!(loaded >= 5, "only {loaded} files below {}", deploy().display());
}

fn check_with_promtool(file: &Path) {
    match Command::new("promtool").args(["check", "config"]).arg(file).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => println!("SKIPPED: promtool: {error}"),
    }
}

#[test]
fn the_example_inventory_is_the_same_as_a_sheet() {
    let examples = deploy().join("examples");
    let yaml = inventory::load(&examples.join("sites.yaml")).unwrap();
    let sheet = inventory::load(&examples.join("sites.csv")).unwrap();
    let area = |inventory: &Inventory, site: &Site| {
        site.area.as_ref().map(|id| inventory.areas[id].name.clone())
    };
    assert_eq!(yaml.sites.len(), 12);
    for (id, site) in &yaml.sites {
        let other = &sheet.sites[id];
        assert_eq!(area(&yaml, site), area(&sheet, other), "{id}");
        assert_eq!(&Site { area: site.area.clone(), ..other.clone() }, site, "{id}");
    }
    assert_eq!(yaml.sites.len(), sheet.sites.len());
}
