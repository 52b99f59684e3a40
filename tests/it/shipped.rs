//! Every configuration file that is shipped is one that the programs take.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use collector::inventory::{self, Inventory, Site};
use collector::meetings::files as meetings;
use serde_json::Value;
use wire::metrics;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
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
            "profiles.yaml" => collector::profiles::load(&file).err(),
            "prometheus.yml" => {
                check_with_promtool(&file);
                None
            }
            // Read with its whole directory below.
            "giao-ban.yaml" => meetings::load(file.parent().unwrap()).err(),
            "playlist.json" => {
                check_playlist(&file);
                None
            }
            "nhipcau.yaml" => {
                check_provisioning(&file);
                None
            }
            "nhipcau-agent.desktop" => {
                let page = format!("Exec=xdg-open http://127.0.0.1:{}/\n", agent::page::PORT);
                assert!(fs::read_to_string(&file).unwrap().contains(&page), "{page}");
                None
            }
            // Loaded by the tests of alerts and of containers, tried in a real dpkg by
            // tests/packages.sh, installed under Wine.
            "alertmanager.yml" | "nhipcau.tmpl" | "compose.yaml" | "Containerfile" | "control"
            | "copyright" | "lintian-overrides" | "postinst" | "postrm" | "prerm"
            | "cai-dat.cmd" | "go-bo.cmd" | "nhipcau-agent.wxs" => continue,
            name => {
                let no_data =
                    [".sh", ".service", ".md"].iter().any(|ending| name.ends_with(ending));
                assert!(no_data, "no test loads {}", file.display());
                continue;
            }
        };
        assert_eq!(fault.map(|fault| fault.to_string()), None);
        loaded += 1;
    }
    assert!(loaded >= 5, "only {loaded} files below {}", deploy().display());
}

/// Every page the wall turns to is a dashboard that is shipped.
fn check_playlist(file: &Path) {
    let json = |file: &Path| -> Value {
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap_or_else(|e| panic!("{e}"))
    };
    let dashboards: Vec<_> = files(&deploy().join("../dashboards"))
        .iter()
        .filter(|file| file.extension() == Some(OsStr::new("json")))
        .map(|file| json(file)["uid"].clone())
        .collect();
    let playlist = json(file);
    let items = playlist["items"].as_array().unwrap();
    assert!(!items.is_empty());
    for item in items {
        assert!(dashboards.contains(&item["value"]), "no dashboard is {}", item["value"]);
    }
}

/// Grafana provisions from files of version 1 that name a data source or a folder of dashboards.
fn check_provisioning(file: &Path) {
    let yaml: Value = serde_yaml::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(yaml["apiVersion"], 1, "{}", file.display());
    let named = ["datasources", "providers"].into_iter().find_map(|key| yaml[key].as_array());
    let named = named.unwrap_or_else(|| panic!("{} provisions nothing", file.display()));
    assert!(named.iter().all(|one| one["name"].is_string()), "{}", file.display());
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

#[test]
fn the_example_profiles_can_be_run_by_every_site() {
    let examples = deploy().join("examples");
    let sites = inventory::load(&examples.join("sites.yaml")).unwrap();
    let profiles = collector::profiles::load(&examples.join("profiles.yaml")).unwrap();
    let documents = profiles.documents(&sites);
    assert!(documents.unmatched.is_empty(), "{:?}", documents.unmatched);
    for (site, text) in documents.of {
        // As an agent reads it: what is JSON is YAML, and a profile is probes.
        let config = agent::config::parse(Path::new("profile"), &text.text);
        let probes = config.unwrap_or_else(|faults| panic!("{site}: {faults}")).tasks.len();
        assert_eq!((site.as_str(), probes), (site.as_str(), text.probes.len()));
        assert!(probes >= 6, "{site}");
    }
}

#[test]
fn the_example_meetings_find_their_sites() {
    let examples = deploy().join("examples");
    let sites = inventory::load(&examples.join("sites.yaml")).unwrap();
    let calendar = meetings::load(&examples.join("meetings")).unwrap();
    let (from, to) = (1_795_392_000_000, 1_795_996_800_000); // 23 to 30 November 2026, UTC
    let mut counts: Vec<(String, usize)> = Vec::new();
    for occurrence in calendar.occurrences(&sites, from, to) {
        assert!(occurrence.unmatched.is_empty(), "{:?}", occurrence.unmatched);
        counts.push((occurrence.id, occurrence.sites.len()));
    }
    let expected =
        [("giao-ban-tuan@2026-11-23T07:30", 11), ("phong-chong-bao@2026-11-25T14:00", 6)];
    assert_eq!(counts, expected.map(|(id, sites)| (id.to_owned(), sites)));
}

#[test]
fn every_metric_the_readme_names_is_one() {
    let readme = fs::read_to_string(deploy().join("../README.md")).unwrap();
    let words = readme.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let mut named = 0;
    for word in words.filter(|word| word.starts_with("bridge_") || word.starts_with("nhipcau_")) {
        let name = word.strip_suffix("_bucket").unwrap_or(word);
        assert!(metrics::find(name).is_some(), "{word} is not in the table");
        named += 1;
    }
    assert!(named > 10, "only {named}");
}
