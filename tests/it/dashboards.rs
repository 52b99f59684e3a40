//! The dashboards that people import are what their source says, in both languages, and ask only
//! for what there is.

mod live;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use wire::{Capability, Cause, Reason, metrics};

use tests::prometheus::Prometheus;

/// Grafana folds a dashboard into 24 columns.
const COLUMNS: u64 = 24;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The dashboards of an edition by the names of their files.
fn edition(folder: &str) -> BTreeMap<String, Value> {
    let files = fs::read_dir(project(folder)).unwrap().map(|entry| entry.unwrap().path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    json.map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap())
    })
    .collect()
}

fn vietnamese() -> BTreeMap<String, Value> {
    edition("dashboards")
}

fn english() -> BTreeMap<String, Value> {
    edition("dashboards/en")
}

/// Every panel with the names of its dashboard and of itself.
fn panels() -> Vec<(String, Value)> {
    let mut panels = Vec::new();
    for (name, dashboard) in vietnamese() {
        for panel in list(&dashboard["panels"]) {
            panels.push((format!("{name}: {}", word(panel, "title")), panel.clone()));
        }
    }
    panels
}

/// Every expression that Grafana will ask, with where it stands.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in list(&dashboard["panels"]) {
        for target in list(&panel["targets"]) {
            found.push((word(panel, "title").to_owned(), word(target, "expr").to_owned()));
        }
    }
    for annotation in list(&dashboard["annotations"]["list"]) {
        found.push((word(annotation, "name").to_owned(), word(annotation, "expr").to_owned()));
    }
    for variable in list(&dashboard["templating"]["list"]) {
        if let Some(query) = variable["query"]["query"].as_str() {
            found.push((word(variable, "name").to_owned(), inner(query).to_owned()));
        }
    }
    found
}

/// What a variable's `label_values(selector, label)` or `query_result(expression)` asks for.
fn inner(query: &str) -> &str {
    let argument = query.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    let argument = argument.unwrap_or(query);
    if !query.starts_with("label_values") {
        return argument;
    }
    argument.rsplit_once(',').map_or(argument, |(selector, _)| selector)
}

/// The expression as Prometheus gets it.
fn filled_in(expression: &str, site: &str, meeting: &str) -> String {
    let values = [
        ("$__rate_interval", "1m"),
        ("$__range", "1h"),
        ("$area", ".*"),
        ("$uplink", ".*"),
        ("$probe", ".*"),
        ("$site", site),
        ("$meeting", meeting),
    ];
    let filled = values
        .iter()
        .fold(expression.to_owned(), |text, (variable, value)| text.replace(variable, value));
    assert!(!filled.contains('$'), "an unknown variable: {filled}");
    filled
}

/// `None` where the program is not installed.
fn jsonnet(arguments: &[&str]) -> Option<String> {
    let run = Command::new("jsonnet").current_dir(project("dashboards")).args(arguments).output();
    match run {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            println!("SKIPPED: jsonnet: {error}");
            None
        }
    }
}

#[test]
fn what_people_import_is_what_the_source_says() {
    if std::env::var_os("NHIPCAU_BLESS").is_some() {
        let _ = jsonnet(&["--multi", ".", "source/all.jsonnet"]);
        return;
    }
    let Some(made) = jsonnet(&["source/all.jsonnet"]) else { return };
    let made: BTreeMap<String, Value> = serde_json::from_str(&made).unwrap();
    assert_eq!(made.len(), 2 * vietnamese().len(), "a file without a source, or none for a source");
    for (file, expected) in made {
        let text = fs::read_to_string(project("dashboards").join(&file)).unwrap();
        let committed: Value = serde_json::from_str(&text).unwrap();
        assert!(committed == expected, "{file} is not its source's; run tests/run.sh bless");
    }
}

/// Same keys, same numbers, same queries: an edition differs only in what people read.
#[test]
fn both_languages_say_the_same() {
    const READ: [&str; 11] = [
        "title",
        "description",
        "text",
        "label",
        "tooltip",
        "noValue",
        "displayName",
        "legendFormat",
        "name",
        "textFormat",
        "titleFormat",
    ];
    fn compare(place: &str, vi: &Value, en: &Value) {
        match (vi, en) {
            (Value::Object(vi), Value::Object(en)) if place.ends_with("/renameByName") => {
                assert!(vi.keys().eq(en.keys()), "{place}");
            }
            (Value::Object(vi), Value::Object(en)) => {
                assert!(vi.keys().eq(en.keys()), "{place}: other keys");
                vi.iter().for_each(|(key, one)| compare(&format!("{place}/{key}"), one, &en[key]));
            }
            (Value::Array(vi), Value::Array(en)) => {
                assert_eq!(vi.len(), en.len(), "{place}");
                vi.iter().zip(en).enumerate().for_each(|(at, (vi, en))| {
                    compare(&format!("{place}/{at}"), vi, en);
                });
            }
            (Value::String(vi), Value::String(en)) => {
                let key = place.rsplit('/').next().unwrap_or_default();
                // An override and an order name their column by its heading; a property its value.
                let heading = place.ends_with("/matcher/options") || key == "displayName";
                let read = READ.contains(&key) || heading || place.contains("/properties/");
                assert!(vi == en || read, "{place}: {vi} and {en}");
                assert_eq!(
                    vi.trim().is_empty(),
                    en.trim().is_empty(),
                    "{place}: a text is missing"
                );
            }
            _ => assert_eq!(vi, en, "{place}"),
        }
    }
    let (vi, en) = (vietnamese(), english());
    assert!(vi.keys().eq(en.keys()), "an edition lacks a dashboard");
    for (name, dashboard) in &vi {
        compare(name, dashboard, &en[name]);
        assert_ne!(dashboard["title"], en[name]["title"], "{name} has one title for both");
    }
}

#[test]
fn every_state_capability_and_reason_has_its_words() {
    let Some(words) =
        jsonnet(&["--exec", "(import 'source/words.libsonnet')(function(vi, en) en)"])
    else {
        return;
    };
    let words: Value = serde_json::from_str(&words).unwrap();
    for capability in Capability::ALL {
        assert!(words["capabilities"][capability.label()].is_string(), "{}", capability.label());
    }
    let codes = collector::readiness::codes().chain(Cause::ALL.iter().map(|cause| cause.label()));
    for code in codes.chain(Reason::ALL.iter().map(|reason| reason.label())) {
        assert!(
            words["reasons"][code].is_string(),
            "{code}: add it to dashboards/source/words.libsonnet"
        );
    }
}

#[test]
fn every_metric_a_dashboard_names_is_one() {
    let rules = fs::read_to_string(project("dashboards/rules/nhipcau.rules.yaml")).unwrap();
    let recorded: BTreeSet<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).collect();
    let mut named = BTreeSet::new();
    for (name, dashboard) in vietnamese() {
        for (place, expression) in expressions(&dashboard) {
            let separate = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
            for metric in expression.split(separate) {
                if !["bridge_", "bridge:", "nhipcau_"].iter().any(|start| metric.starts_with(start))
                {
                    continue;
                }
                let mut series = ["_bucket", "_count", "_sum"].iter();
                let histogram = series.find_map(|end| metric.strip_suffix(end));
                let known = recorded.contains(metric)
                    || metrics::find(metric).is_some()
                    || histogram.and_then(metrics::find).is_some();
                assert!(known, "{name}: {place}: {metric} is neither in the table nor recorded");
                named.insert(metric.to_owned());
            }
        }
    }
    assert!(named.len() > 40, "only {named:?}");
}

#[test]
fn prometheus_understands_every_query() {
    let Some(prometheus) = Prometheus::with_config("global: { scrape_interval: 1s }\n") else {
        println!("SKIPPED: prometheus is not installed");
        return;
    };
    for (name, dashboard) in vietnamese() {
        for (place, expression) in expressions(&dashboard) {
            assert!(!expression.is_empty(), "{name}: {place} asks nothing");
            let _ = prometheus.query(&filled_in(&expression, "th-0316", "giao-ban"));
        }
    }
}

/// What the linter of Grafana's mixins asks for, and what an operator needs beyond it.
#[test]
fn every_panel_explains_itself() {
    for (place, panel) in panels() {
        assert!(!word(&panel, "title").is_empty(), "{place} has no title");
        let described = word(&panel, "description").ends_with(['.', '…']);
        assert!(described, "{place} has no description");
        let defaults = &panel["fieldConfig"]["defaults"];
        assert!(defaults["unit"].is_string(), "{place} has no unit");
        let nothing = word(defaults, "noValue");
        assert!(!nothing.is_empty() && nothing != "0", "{place} does not say what no data is");
        assert_eq!(word(&panel["datasource"], "uid"), "${datasource}", "{place}");
        let targets = list(&panel["targets"]);
        assert!(!targets.is_empty(), "{place} asks nothing");
        let names: BTreeSet<&str> = targets.iter().map(|target| word(target, "refId")).collect();
        assert_eq!(names.len(), targets.len(), "{place}: two queries of one name");
    }
}

#[test]
fn counters_are_read_as_rates_over_grafanas_own_interval() {
    for (name, dashboard) in vietnamese() {
        for (place, expression) in expressions(&dashboard) {
            let ranged = expression.contains("rate(") || expression.contains("increase(");
            assert!(!expression.contains("vector(0)"), "{name}: {place} makes no data look like 0");
            // When a counter last grew is told by comparing it with itself.
            let told = ranged || expression.contains("offset 1m");
            assert!(!expression.contains("_total") || told, "{name}: {place}: {expression}");
            let fixed = expression.contains("rate(") && !expression.contains("$__rate_interval");
            assert!(!fixed, "{name}: {place} rates over a fixed time: {expression}");
        }
    }
}

#[test]
fn dashboards_can_be_found_followed_and_not_edited_by_chance() {
    let mut uids = BTreeSet::new();
    for (name, dashboard) in vietnamese() {
        let uid = word(&dashboard, "uid");
        assert_eq!(uid, format!("nhipcau-{name}"));
        assert!(uids.insert(uid.to_owned()) && (8..=40).contains(&uid.len()), "{uid}");
        assert!(dashboard["id"].is_null(), "{name} has an id of somebody's database");
        assert_eq!(dashboard["schemaVersion"], 39, "{name}");
        assert_eq!(dashboard["editable"], false, "{name}");
        let link = &dashboard["links"][0];
        assert_eq!(
            (&link["includeVars"], &link["keepTime"]),
            (&true.into(), &true.into()),
            "{name}"
        );
        assert!(list(&dashboard["annotations"]["list"]).len() >= 2, "{name}");
        for variable in list(&dashboard["templating"]["list"]) {
            let place = format!("{name}: ${}", word(variable, "name"));
            if word(variable, "type") == "datasource" {
                assert_eq!(word(variable, "name"), "datasource", "{place}");
                assert_eq!(word(variable, "label"), "Data source", "{place}");
            } else {
                assert_eq!(variable["refresh"], 2, "{place} is not read anew when time changes");
                assert_eq!(word(&variable["datasource"], "uid"), "${datasource}", "{place}");
            }
        }
    }
}

#[test]
fn panels_lie_side_by_side() {
    for (name, dashboard) in vietnamese() {
        let mut taken = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let title = word(panel, "title");
            let side = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(ids.insert(panel["id"].as_u64()), "{name}: {title}: an id twice");
            assert!(side("x") + side("w") <= COLUMNS, "{name}: {title} is too wide");
            for y in side("y")..side("y") + side("h") {
                for x in side("x")..side("x") + side("w") {
                    let other = taken.insert((x, y), title);
                    assert!(other.is_none(), "{name}: {title} lies over {other:?}");
                }
            }
        }
    }
}

/// Every `/d/uid?…&var-name=` in `text`.
fn targets(text: &str) -> Vec<(String, Vec<String>)> {
    let variable = |part: &str| part.split('=').next().unwrap_or_default().to_owned();
    text.split("/d/")
        .skip(1)
        .map(|rest| {
            let link = rest.split(['"', '\\']).next().unwrap_or_default();
            let uid = link.split('?').next().unwrap_or_default().to_owned();
            (uid, link.split("var-").skip(1).map(variable).collect())
        })
        .collect()
}

#[test]
fn links_of_panels_and_alerts_land_where_their_variables_are_known() {
    let dashboards = vietnamese();
    let mut text = fs::read_to_string(project("dashboards/rules/nhipcau.rules.yaml")).unwrap();
    for dashboard in dashboards.values() {
        text.push_str(&dashboard["panels"].to_string());
    }
    let links = targets(&text);
    assert!(links.len() > 40, "only {}", links.len());
    for (uid, variables) in links {
        let name = uid.strip_prefix("nhipcau-").unwrap_or(&uid);
        let dashboard = dashboards.get(name).unwrap_or_else(|| panic!("no dashboard {uid}"));
        let known = list(&dashboard["templating"]["list"]);
        for variable in variables {
            let is_known = known.iter().any(|one| word(one, "name") == variable);
            assert!(is_known, "{uid} has no variable {variable}");
        }
    }
}
