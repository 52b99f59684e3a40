use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use http_body_util::BodyExt;
use proptest::prelude::*;
use smol_str::SmolStr;
use uuid::Uuid;
use wire::metrics::{Kind, Source, TABLE};
use wire::reading::{Histogram, Name};
use wire::{
    AgentInfo, DeviceState, Failure, Metric, Reading, Reason, Report, Sample, SiteId, Value,
};

use super::*;
use crate::fleet::{Arrival, Fleet, Snapshot};
use crate::inventory::{Inventory, Site};
use crate::telemetry::Telemetry;

const NOW: wire::UnixMillis = 1_795_305_600_000;

/// A series as a reader of the format sees it.
type Series = (String, BTreeMap<String, String>);

async fn text(snapshot: Snapshot, format: Format, coding: Coding) -> String {
    let telemetry = Telemetry::new().unwrap();
    let wanted = Wanted { format, coding };
    let packed = body(snapshot, Arc::default(), &telemetry, wanted, None)
        .collect()
        .await
        .unwrap()
        .to_bytes();
    let mut text = String::new();
    match coding {
        Coding::Identity => text = String::from_utf8(packed.to_vec()).unwrap(),
        Coding::Gzip => {
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        }
        Coding::Zstd => {
            zstd::Decoder::new(&packed[..]).unwrap().read_to_string(&mut text).unwrap();
        }
    }
    text
}

/// Reads a line `name{label="value",…} number` by the rules of both formats.
fn read_line(line: &str) -> (Series, f64) {
    let (name, mut rest) = line.split_at(line.find(['{', ' ']).unwrap());
    let mut labels = BTreeMap::new();
    if rest.starts_with('{') {
        loop {
            let (label, after) = rest[1..].split_once("=\"").unwrap();
            let (value, length) = read_value(after);
            assert!(labels.insert(label.to_owned(), value).is_none(), "a label twice: {line}");
            rest = &after[length..];
            if !rest.starts_with(',') {
                rest = rest.strip_prefix('}').unwrap();
                break;
            }
        }
    }
    let number = rest.strip_prefix(' ').unwrap().parse().unwrap();
    ((name.to_owned(), labels), number)
}

/// Reads a quoted value and how long it was, the closing quote included.
fn read_value(text: &str) -> (String, usize) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, c)) = characters.next() {
        match c {
            '"' => return (value, place + 1),
            '\\' => match characters.next().unwrap().1 {
                'n' => value.push('\n'),
                c => value.push(c),
            },
            c => value.push(c),
        }
    }
    panic!("a value without end: {text}");
}

fn read(text: &str) -> BTreeMap<Series, f64> {
    let mut series = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, number) = read_line(line);
        assert!(series.insert(name, number).is_none(), "a series twice: {line}");
    }
    series
}

/// What a reader must find of a sample.
fn expected_series(site: &str, reading: &Reading, sample: &Sample) -> Vec<(Series, f64)> {
    let Name::Known(row) = &sample.name else { return vec![] };
    let mut labels = BTreeMap::new();
    for label in row.labels {
        let value = match *label {
            "site" => site,
            "probe" => reading.probe.as_str(),
            "kind" => &reading.kind,
            "state" => continue,
            _ => sample.label.as_deref().unwrap(),
        };
        labels.insert((*label).to_owned(), value.to_owned());
    }
    let with = |name: &str, value: String| {
        let mut labels = labels.clone();
        labels.insert(name.to_owned(), value);
        labels
    };
    match (&sample.value, row.kind) {
        (Value::Number(number), _) => vec![((row.name.to_owned(), labels), *number)],
        (Value::State(holds), Kind::StateSet(states)) => states
            .iter()
            .map(|state| {
                let number = if *state == holds.label() { 1.0 } else { 0.0 };
                ((row.name.to_owned(), with("state", (*state).to_owned())), number)
            })
            .collect(),
        (Value::Histogram(histogram), Kind::Histogram(bounds)) => {
            let mut series = Vec::new();
            for (place, bound) in bounds.iter().copied().chain([f64::INFINITY]).enumerate() {
                let below: u64 = histogram.buckets[..=place].iter().sum();
                let le = if bound.is_infinite() { "+Inf".into() } else { format!("{bound:?}") };
                series.push(((format!("{}_bucket", row.name), with("le", le)), below as f64));
            }
            series.push(((format!("{}_sum", row.name), labels.clone()), histogram.sum));
            series.push(((format!("{}_count", row.name), labels), histogram.count() as f64));
            series
        }
        _ => panic!("no such sample"),
    }
}

fn value_of(row: &'static Metric) -> BoxedStrategy<Value> {
    match row.kind {
        Kind::Gauge => any::<f64>().prop_map(Value::Number).boxed(),
        Kind::Counter | Kind::Info => (0.0..1e18).prop_map(Value::Number).boxed(),
        Kind::StateSet(states) => prop::sample::select(states)
            .prop_map(|state| Value::State(DeviceState::from_label(state).unwrap()))
            .boxed(),
        Kind::Histogram(bounds) => {
            (prop::collection::vec(0..1_000_000_u64, bounds.len() + 1), 0.0..1e9)
                .prop_map(|(buckets, sum)| Histogram { buckets: buckets.into(), sum })
                .prop_map(|histogram| Value::Histogram(Box::new(histogram)))
                .boxed()
        }
    }
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let rows: Vec<_> = TABLE.iter().filter(|row| row.source == Source::Agent).collect();
    let hostile = prop_oneof![
        "[a-z]{1,8}",
        r#"[\\"\n{},= #]{1,8}"#,
        "\\PC{1,8}",
        Just("Máy quay \"phòng\" \\ 1".to_owned())
    ];
    let sample = prop::sample::select(rows).prop_flat_map(move |row| {
        let label = row.own_label().map(|_| hostile.clone().prop_map(SmolStr::from));
        let label = label.map_or(Just(None).boxed(), |label| label.prop_map(Some).boxed());
        (label, value_of(row)).prop_map(move |(label, value)| Sample {
            name: Name::Known(row),
            label,
            value,
        })
    });
    prop::collection::vec(sample, 0..40).prop_map(|samples| {
        // Series of one reading are unique once it is validated.
        let mut seen = BTreeSet::new();
        let unique = |sample: &Sample| {
            let Name::Known(row) = sample.name else { return false };
            seen.insert((row.index(), sample.label.clone()))
        };
        let mut samples = samples;
        let mut unique = unique;
        samples.retain(|sample| unique(sample));
        samples
    })
}

fn reading(probe: &str, samples: Vec<Sample>) -> Reading {
    Reading {
        probe: probe.parse().unwrap(),
        kind: "icmp".into(),
        capability: None,
        every_ms: 15_000,
        age_ms: 0,
        duration_us: 1_500,
        troubles: vec![],
        failure: None,
        samples,
    }
}

fn report(readings: Vec<Reading>) -> Report {
    Report {
        boot: Uuid::from_u128(1),
        seq: 1,
        taken_at: NOW,
        uptime_ms: 1,
        agent: AgentInfo { version: "0.1.0".into(), os: "Debian \"12\"".into() },
        readings,
    }
}

fn fleet(site: &str, readings: Vec<Reading>) -> Fleet {
    let site: SiteId = site.parse().unwrap();
    let expected = Site {
        name: "UBND xã Hoằng Lộc".to_owned(),
        level: "commune".to_owned(),
        area: Some("hoang-hoa".parse().unwrap()),
        uplink: "pop".to_owned(),
        provider: "VNPT".to_owned(),
        lat: None,
        lon: None,
        contact: None,
        needs: vec![],
        hosts: vec![],
        subnets: vec![],
    };
    let inventory = Inventory { sites: [(site.clone(), expected)].into(), ..Inventory::default() };
    let mut fleet = Fleet::default();
    fleet.set_inventory(&inventory);
    let reports = vec![(Some(NOW), report(readings))];
    fleet.apply(&site, Arrival { received_at: NOW, clock_offset: -250, again_ms: None, reports });
    fleet
}

proptest! {
    // Each case is a whole exposition.
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_put_in_is_read_back(samples in samples()) {
        let reading = reading("mcu", samples);
        let fleet = fleet("th-0316", vec![reading.clone()]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for format in [Format::Text, Format::OpenMetrics] {
            let text = runtime.block_on(text(fleet.snapshot(NOW), format, Coding::Identity));
            let found = read(&text);
            for sample in &reading.samples {
                for (series, number) in expected_series("th-0316", &reading, sample) {
                    let found = found.get(&series).copied();
                    let same = found.is_some_and(|f| f.total_cmp(&number).is_eq() || number == 0.0);
                    prop_assert!(same, "{:?} is {:?} instead of {}", series, found, number);
                }
            }
        }
    }
}

/// A reading with every kind of metric in it.
fn full_reading() -> Reading {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let samples = TABLE.iter().filter(|row| row.source == Source::Agent).map(|row| {
        let value = value_of(row).new_tree(&mut runner).unwrap().current();
        let label = row.own_label().map(|_| "Máy \"1\"\\\n".into());
        Sample { name: Name::Known(row), label, value }
    });
    let failure = Some(Failure::new(Reason::Timeout, "no answer"));
    Reading { failure, ..reading("mcu", samples.collect()) }
}

#[tokio::test]
async fn every_metric_stands_in_one_piece_with_its_headers_in_the_order_of_the_table() {
    let other = Reading { samples: vec![], ..reading("dns", vec![]) };
    let fleet = fleet("th-0316", vec![full_reading(), other]);
    for format in [Format::Text, Format::OpenMetrics] {
        let text = text(fleet.snapshot(NOW), format, Coding::Identity).await;
        let types: Vec<_> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")).collect();
        let unique: BTreeSet<_> = types.iter().collect();
        assert_eq!(types.len(), unique.len(), "a metric in two pieces");
        let mut family = "";
        for line in text.lines() {
            if let Some(header) = line.strip_prefix("# TYPE ") {
                family = header.split(' ').next().unwrap();
            } else if !line.starts_with('#') {
                assert!(line.starts_with(family), "{line} stands under {family}");
            }
        }
        let order: Vec<_> = TABLE
            .iter()
            .filter_map(|row| types.iter().position(|t| t.split(' ').next() == Some(row.name)))
            .collect();
        assert!(order.is_sorted());
    }
}

#[tokio::test]
async fn open_metrics_follows_its_own_rules() {
    let fleet = fleet("th-0316", vec![full_reading()]);
    let text = text(fleet.snapshot(NOW), Format::OpenMetrics, Coding::Identity).await;
    for line in [
        "# TYPE bridge info",
        "# TYPE bridge_probe_packets_sent counter",
        "# TYPE bridge_device_state gauge",
        "# TYPE bridge_agent_cpu_seconds counter",
        "# UNIT bridge_agent_cpu_seconds seconds",
        "# TYPE process_cpu_seconds counter",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}");
    }
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
    assert!(!text.contains("\n\n"));
    for (name, unit) in text.lines().filter_map(|l| l.strip_prefix("# UNIT ")?.split_once(' ')) {
        assert!(name.ends_with(unit), "{name} {unit}");
    }
}

#[tokio::test]
async fn every_coding_carries_the_same_text() {
    // Large enough for several chunks.
    let mut fleet = fleet("th-0316", vec![full_reading()]);
    for number in 0..200 {
        let site: SiteId = format!("site-{number}").parse().unwrap();
        let reports = vec![(Some(NOW), report(vec![full_reading()]))];
        fleet.apply(&site, Arrival { received_at: NOW, clock_offset: 0, again_ms: None, reports });
    }
    let mut texts = Vec::new();
    for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
        let text = text(fleet.snapshot(NOW), Format::Text, coding).await;
        let sites = text.lines().filter(|line| line.contains("bridge_")).map(ToOwned::to_owned);
        texts.push(sites.collect::<Vec<_>>());
    }
    assert!(texts[0].len() > 10_000);
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}

#[tokio::test]
async fn shards_together_are_the_whole_and_nothing_comes_twice() {
    let mut fleet = Fleet::default();
    for number in 0..50 {
        let site: SiteId = format!("site-{number}").parse().unwrap();
        let reports = vec![(Some(NOW), report(vec![full_reading()]))];
        fleet.apply(&site, Arrival { received_at: NOW, clock_offset: 0, again_ms: None, reports });
    }
    let telemetry = Telemetry::new().unwrap();
    let wanted = Wanted { format: Format::Text, coding: Coding::Identity };
    let names = |shard: Option<&str>| {
        let shard = Shard::from_query(shard).unwrap();
        let body = body(fleet.snapshot(NOW), Arc::default(), &telemetry, wanted, shard);
        async {
            let bytes = body.collect().await.unwrap().to_bytes();
            read(std::str::from_utf8(&bytes).unwrap()).into_keys().collect::<BTreeSet<_>>()
        }
    };
    let whole = names(None).await;
    let mut parts = BTreeSet::new();
    for index in 0..3 {
        for series in names(Some(&format!("shard={index}&shards=3"))).await {
            assert!(parts.insert(series.clone()), "{series:?} comes twice");
        }
    }
    assert_eq!(parts, whole);
}

#[tokio::test]
async fn an_expired_reading_takes_its_series_along() {
    let fleet = fleet("th-0316", vec![full_reading()]);
    let later = text(fleet.snapshot(NOW + 90_000), Format::Text, Coding::Identity).await;
    assert!(!later.contains("\nbridge_probe_"));
    for line in [
        r#"bridge_up{site="th-0316"} 0"#,
        r#"bridge_last_seen_timestamp_seconds{site="th-0316"} 1795305600"#,
    ] {
        assert!(later.lines().any(|l| l == line), "{line}");
    }
}

#[tokio::test]
async fn promtool_has_nothing_to_say() {
    let fleet = fleet("th-0316", vec![full_reading()]);
    let text = text(fleet.snapshot(NOW), Format::Text, Coding::Identity).await;
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}
