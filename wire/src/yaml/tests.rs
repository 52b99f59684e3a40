use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;

use super::{open, read};
use crate::duration::Span;
use crate::ids::{ProbeName, SiteId};
use crate::reading::Capability;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    listen: Option<SocketAddr>,
    limit: u16,
    loud: bool,
    share: f64,
    probes: BTreeMap<ProbeName, Probe>,
    sites: Vec<Site>,
    needs: Vec<Capability>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Probe {
    every: Option<Span>,
    icmp: Option<Icmp>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Icmp {
    host: IpAddr,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    id: SiteId,
    name: String,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    start: Option<String>,
}

fn faults(yaml: &str) -> Vec<String> {
    match read::<Config>(Path::new("c.yaml"), yaml) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
    }
}

/// Each text with all that is wrong with it.
const TABLE: &[(&str, &[&str])] = &[
    ("", &[]),
    ("# only a remark\n", &[]),
    ("\u{feff}limit: 3\r\nloud: true\r\n", &[]),
    ("probes:\nsites:\n", &[]),
    (
        "probes:\n  mcu:\n    evry: 15s\n",
        &[
            "c.yaml:3:5: probes.mcu.evry: unknown key `evry`; did you mean `every`? Known keys: `every`, `icmp`",
        ],
    ),
    (
        "probes:\n  mcu: { every: 15, snmp: 1, icmp: { host: mcu } }\n",
        &[
            "c.yaml:2:17: probes.mcu.every: \"15\" is not a duration like 15s, 5m, 2h30m or 7d",
            "c.yaml:2:21: probes.mcu.snmp: unknown key `snmp`. Known keys: `every`, `icmp`",
            "c.yaml:2:44: probes.mcu.icmp.host: `mcu` is not an IP address like 10.0.0.10",
        ],
    ),
    (
        "limit: 70000\nloud: yes\nshare: 19,85\nneeds: [network, camra, []]\nlisten: 0.0.0.0\n",
        &[
            "c.yaml:1:8: limit: expected a whole number from 0 to 65535, found `70000`",
            "c.yaml:2:7: loud: expected true or false, found `yes`",
            "c.yaml:3:8: share: expected a number like 19.85, with a decimal point, found `19,85`",
            "c.yaml:4:18: needs[1]: unknown word `camra`; did you mean `camera`? Known: `network`, `camera`, `microphone`, `speaker`, `display`, `codec`, `power`, `host`, `clock`",
            "c.yaml:4:25: needs[2]: expected one of `network`, `camera`, `microphone`, `speaker`, `display`, `codec`, `power`, `host`, `clock`, found a list",
            "c.yaml:5:9: listen: `0.0.0.0` is not an address with a port, like 0.0.0.0:8443 or [::]:8443",
        ],
    ),
    (
        "limit: 0640\n",
        &[
            "c.yaml:1:8: limit: expected a whole number from 0 to 65535 without zeros in front, found `0640`",
        ],
    ),
    (
        "share: .inf\n",
        &["c.yaml:1:8: share: expected a number like 19.85, with a decimal point, found `.inf`"],
    ),
    (
        "sites:\n  - {}\n  - { id: a, name: A, phone: [1] }\n  - name: B\n    nmae: B\n",
        &[
            "c.yaml:2:5: sites[0]: the key `id` is missing here",
            "c.yaml:2:5: sites[0]: the key `name` is missing here",
            "c.yaml:3:23: sites[1].phone: expected a text, found a list",
            "c.yaml:4:5: sites[2]: the key `id` is missing here",
            "c.yaml:5:5: sites[2].nmae: unknown key `nmae`; did you mean `name`? Known keys: `id`, `name`, `phone`, `start`",
        ],
    ),
    // A key with its fault is not said to be missing as well.
    (
        "sites:\n  - id: a b\n    nam: A\n  - x\n",
        &[
            "c.yaml:2:9: sites[0].id: \"a b\" is not an id: an id is made of ASCII letters, digits, '-', '_' and '.', and begins with a letter or digit; ' ' is not allowed there",
            "c.yaml:3:5: sites[0].nam: unknown key `nam`; did you mean `name`? Known keys: `id`, `name`, `phone`, `start`",
            "c.yaml:4:5: sites[1]: expected keys (`id`, `name`, `phone`, `start`), found `x`",
        ],
    ),
    (
        "probes: { -a: {} }\nsites: 3\n",
        &[
            "c.yaml:1:11: probes.-a: \"-a\" is not an id: an id is made of ASCII letters, digits, '-', '_' and '.', and begins with a letter or digit; '-' is not allowed there",
            "c.yaml:2:8: sites: expected a list, found `3`",
        ],
    ),
    (
        "limit: 1\nprobes:\n  a: {}\n  a: { bad: 1 }\nlimit: x\n",
        &[
            "c.yaml:4:3: probes.a: the key `a` stands here a second time (first in line 3); keep one of them",
            "c.yaml:5:1: limit: the key `limit` stands here a second time (first in line 1); keep one of them",
        ],
    ),
    (
        "- 1\n",
        &[
            "c.yaml:1:1: expected keys (`listen`, `limit`, `loud`, `share`, `probes`, `sites`, `needs`), found a list",
        ],
    ),
    ("limit: 1\n---\nlimit: 2\n", &["c.yaml:2:1: a second document begins here; a file holds one"]),
    (
        "limit: !!int 1\n",
        &["c.yaml:1:8: limit: tags (`!…`) have no meaning here; write the value alone"],
    ),
    (
        "? [a]\n: 1\n",
        &["c.yaml:1:3: a key must be a plain word; this is a list or a group of keys"],
    ),
    (
        "limit: &a [*a]\n",
        &["c.yaml:1:12: limit[0]: this alias repeats no value that ends before it"],
    ),
];

#[test]
fn every_fault_is_found_at_once_and_has_its_place() {
    for (yaml, expected) in TABLE {
        assert_eq!(faults(yaml), *expected, "{yaml}");
    }
}

#[test]
fn broken_syntax_is_told_with_its_place() {
    for (yaml, place) in [
        ("probes: [\n", "c.yaml:2:1:"),
        ("probes:\n\ta: {}\n", "c.yaml:2:2:"),
        ("a: b: c\n", "c.yaml:1:5:"),
        ("limit: \"1\n", "c.yaml:"),
        ("limit: *nobody\n", "c.yaml:1:8:"),
    ] {
        let faults = faults(yaml);
        assert_eq!(faults.len(), 1, "{yaml}: {faults:?}");
        assert!(faults[0].starts_with(place), "{yaml}: {faults:?}");
        assert!(faults[0].contains("this is not valid YAML: "), "{yaml}: {faults:?}");
    }
}

#[test]
fn a_text_stays_the_text_that_was_written() {
    for written in ["00123", "07:30", "no", "1e3", "0x1F", "0912345678", "2026-11-23", "12.50"] {
        let yaml = format!("sites: [{{ id: \"1\", name: {written}, start: {written} }}]");
        let config: Config = read(Path::new("c.yaml"), &yaml).unwrap();
        assert_eq!(config.sites[0].name, written);
        assert_eq!(config.sites[0].start.as_deref(), Some(written));
    }
    let config: Config =
        read(Path::new("c.yaml"), "sites: [{ id: 00123, name: 'null', phone: null }]").unwrap();
    assert_eq!(config.sites[0].id.as_str(), "00123");
    assert_eq!((config.sites[0].name.as_str(), &config.sites[0].phone), ("null", &None));
}

#[test]
fn an_alias_repeats_its_value() {
    let yaml = "probes:\n  a: &usual { every: 5s }\n  b: *usual\n";
    let config: Config = read(Path::new("c.yaml"), yaml).unwrap();
    assert!(config.probes.values().all(|probe| probe.every == Some(Span::seconds(5))));
}

#[test]
fn aliases_of_aliases_are_refused_before_they_fill_the_memory() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let below = level - 1;
        let aliases = vec![format!("*a{below}"); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let all = faults(&bomb);
    assert!(all[0].contains("with its aliases this has more than"), "{all:?}");

    let mut tower = "a0: &a0 []\n".to_owned();
    for level in 1..200 {
        writeln!(tower, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    let all = faults(&tower);
    assert!(all[0].contains("with its aliases this is nested deeper"), "{all:?}");
}

#[test]
fn deep_nesting_is_refused() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(10_000)] {
        assert_eq!(faults(&deep).len(), 1);
    }
}

#[test]
fn more_faults_than_anyone_mends_are_counted() {
    let yaml = format!("needs: [{}]\n", "wings, ".repeat(250));
    let all = faults(&yaml);
    assert_eq!(all.len(), super::FAULTS);
}

#[test]
fn a_rule_of_the_caller_finds_its_place() {
    let yaml = "probes:\n  a.b:\n    every: 5s\n  c: { every: 7s }\nlimit: 9\n";
    let rules = |yaml: &str, keys: &[&str]| {
        let (config, mut findings) = open::<Config>(Path::new("c.yaml"), yaml);
        for key in keys {
            findings.add(key, "no");
        }
        findings.finish(config).map_err(|faults| faults.to_string())
    };
    assert!(rules(yaml, &[]).is_ok());
    assert_eq!(
        rules(yaml, &["limit", "probes.c", "probes.c.timeout", "probes.a.b.every", "sites[3].id"]),
        Err("c.yaml:1:1: sites[3].id: no\n\
             c.yaml:3:12: probes.a.b.every: no\n\
             c.yaml:4:3: probes.c: no\n\
             c.yaml:4:3: probes.c.timeout: no\n\
             c.yaml:5:8: limit: no"
            .to_owned())
    );
    // What was applied without a faulty neighbour proves nothing, unless it looks at no other key.
    let wounded = "probes:\n  c: { evry: 7s, every: 5s }\n  d: { every: 5s }\n";
    let all = rules(wounded, &["probes.c", "probes.c.every", "probes.d"]).unwrap_err();
    assert_eq!(all.lines().count(), 2, "{all}");
    assert!(all.ends_with("c.yaml:3:3: probes.d: no"), "{all}");

    let (config, mut findings) = open::<Config>(Path::new("c.yaml"), wounded);
    for key in ["probes.c", "probes.c.evry", "probes.c.icmp", "probes.c.every"] {
        findings.add_alone(key, "no");
    }
    let all = findings.finish(config).unwrap_err().to_string();
    assert_eq!(all.lines().count(), 2, "{all}");
    assert!(all.ends_with("c.yaml:2:25: probes.c.every: no"), "{all}");
}

#[test]
fn what_could_be_read_is_there_for_further_rules() {
    let yaml = "limit: 9\nsites:\n  - { id: a, name: A }\n  - { id: b }\n  - { id: c, name: [] }\n";
    let (config, _) = open::<Config>(Path::new("c.yaml"), yaml);
    let config = config.unwrap();
    assert_eq!(config.limit, 9);
    assert_eq!(config.sites.len(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*") {
        faults(&text);
    }

    #[test]
    fn nothing_that_looks_like_yaml_makes_reading_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "limit", "probes", "sites", "a", ": ", ":", "- ", "[", "]", "{", "}", "&a ", "*a",
                "\n", "\n  ", "\n    ", "|", ">", "\"", "'", "!x ", "? ", "#", "---", "...", ",",
                "12", "\t", "<<", "\u{feff}", "%", "@", "\r",
            ]),
            0..40,
        )
    ) {
        faults(&parts.concat());
    }
}

#[test]
fn nothing_like_a_configuration_is_too_strange() {
    let shapes = [
        "listen: 127.0.0.1:9815\nlimit: 9\nprobes:\n  mcu: { every: 15s, icmp: { host: 10.0.0.10 } }\n",
        "sites: &a\n  - { id: a, name: \"Hoằng \\u1ED9c\" }\n  - *a\nneeds: [network, 'camera']\nx: |\n  text\n",
    ];
    crate::mutations::survives(&shapes, |bytes| {
        let (config, faults) = open::<Config>(Path::new("c.yaml"), &String::from_utf8_lossy(bytes));
        (config, faults.finish(Some(())).map_err(|faults| faults.0))
    });
}
