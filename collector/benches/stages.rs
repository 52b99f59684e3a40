//! What a report and a scrape cost the collector without its sockets, as processor time.
//!
//! `cargo bench -p nhipcau-collector` prints a table; nothing here passes or fails.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use collector::exposition::{Coding, Format, Lines, Wanted};
use collector::fleet::{Fleet, Shared};
use collector::ingest::{Encoding, Ingest};
use collector::judging::{Ahead, Coming, Expected, Judging};
use collector::meetings::{Occurrence, Plan};
use collector::readiness::Policy;
use collector::store::received::{self, Reception};
use collector::telemetry::Telemetry;
use collector::{api, exposition, inventory, judging, meetings, store};
use http_body_util::BodyExt;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::SiteId;

const NOW: i64 = 1_795_305_600_000;

/// A bridge with six network probes and its PC: 200 series.
fn readings(round: u64) -> Value {
    let sample = |name: &str, value: Value| json!({ "name": name, "value": value });
    let of = |name: &str, label: &str, value: u64| json!({ "name": name, "label": label, "value": value });
    let mut readings = Vec::new();
    for name in ["mcu", "gateway", "province", "ministry", "sip"] {
        let buckets: Vec<u64> = (0..16).map(|bucket| round * 10 + bucket).collect();
        let mut samples = vec![
            sample("bridge_probe_jitter_seconds", json!(0.000_731 + round as f64 * 1e-6)),
            sample("bridge_probe_loss_ratio", json!(0.1)),
            sample("bridge_probe_rtt_seconds", json!({ "buckets": buckets, "sum": 12.345_678 })),
            of("bridge_probe_failures_total", "timeout", round / 100),
        ];
        for total in ["sent", "received", "duplicate", "late"] {
            samples.push(sample(&format!("bridge_probe_packets_{total}_total"), json!(round * 10)));
        }
        samples.push(sample("bridge_probe_runs_total", json!(round)));
        samples.push(sample("bridge_probe_missed_total", json!(0)));
        readings.push(reading(name, "icmp", &samples));
    }
    let mut host = vec![
        sample("bridge_host_cpu_usage_ratio", json!(0.1 + round as f64 * 1e-7)),
        sample("bridge_host_memory_size_bytes", json!(8_241_000_448_u64)),
        sample("bridge_host_memory_available_bytes", json!(4_123_456_789_u64 + round)),
        sample("bridge_probe_runs_total", json!(round)),
    ];
    for device in ["/", "/boot", "/home"] {
        host.push(of("bridge_host_disk_size_bytes", device, 512_000_000_000));
        host.push(of("bridge_host_disk_available_bytes", device, 100_000_000_000 + round));
    }
    readings.push(reading("host", "host", &host));
    let mut link = Vec::new();
    for device in ["enp3s0", "wlp2s0"] {
        for name in ["up", "speed_bytes_per_second", "receive_bytes_total", "transmit_bytes_total"]
        {
            link.push(of(&format!("bridge_link_{name}"), device, 125_000_000 + round));
        }
    }
    readings.push(reading("link", "link", &link));
    json!(readings)
}

fn reading(probe: &str, kind: &str, samples: &[Value]) -> Value {
    json!({
        "probe": probe, "kind": kind, "every_ms": 15_000, "age_ms": 120, "duration_us": 20_123,
        "capability": if kind == "icmp" { "network" } else { "host" },
        "samples": samples,
    })
}

fn body(site: u128, seq: u64) -> Bytes {
    let boot = Uuid::from_u128(site);
    let uptime = seq * 15_000;
    let batch = json!({
        "version": 1, "sent_at": NOW, "boot": boot, "uptime_ms": uptime,
        "reports": [{
            "boot": boot, "seq": seq, "taken_at": NOW, "uptime_ms": uptime,
            "agent": { "version": "0.1.0", "os": "Debian GNU/Linux 12" },
            "readings": readings(seq),
        }],
    });
    let compressor = zstd::bulk::Compressor::with_dictionary(3, wire::packing::DICTIONARY);
    let packed = compressor.and_then(|mut it| it.compress(batch.to_string().as_bytes()));
    packed.map(Bytes::from).unwrap_or_default()
}

fn site(number: usize) -> Option<SiteId> {
    format!("th-{number:05}").parse().ok()
}

fn processor() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let time = |t: nix::sys::time::TimeVal| {
        Duration::from_micros(u64::try_from(t.tv_sec() * 1_000_000 + t.tv_usec()).unwrap_or(0))
    };
    time(usage.user_time()) + time(usage.system_time())
}

fn since(before: Duration) -> Duration {
    processor().saturating_sub(before)
}

/// Processor time of one of many calls.
fn each(mut work: impl FnMut()) -> Duration {
    const TIMES: u32 = 2_000;
    let before = processor();
    for _ in 0..TIMES {
        work();
    }
    since(before) / TIMES
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn row(what: &str, each: Duration, unit: &str) {
    println!("{what:<62} {:>10.1} us {unit}", each.as_secs_f64() * 1e6);
}

struct Collector {
    fleet: Arc<Shared>,
    telemetry: Arc<Telemetry>,
    ingest: Arc<Ingest>,
}

fn collector(directory: &tempfile::TempDir) -> anyhow::Result<Collector> {
    let telemetry = Arc::new(Telemetry::new()?);
    let connection = store::open(directory.path())?;
    let (handle, history) = received::start(connection, Arc::clone(&telemetry))?;
    let fleet = Arc::new(Shared::new(Fleet::restore(&history)));
    let ingest = Arc::new(Ingest::new(
        Arc::clone(&fleet),
        handle,
        &history,
        Arc::clone(&telemetry),
        Arc::default(),
    ));
    Ok(Collector { fleet, telemetry, ingest })
}

/// Every site sends one report of each round, as many at once as there would be connections.
async fn fill(collector: &Collector, sites: usize, rounds: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for round in 1..=rounds {
        let bodies: Vec<_> = (0..sites).map(|n| body(n as u128 + 1, round)).collect();
        let before = processor();
        let mut requests = JoinSet::new();
        for (number, body) in bodies.into_iter().enumerate() {
            let Some(site) = site(number) else { continue };
            let ingest = Arc::clone(&collector.ingest);
            let now = NOW + i64::try_from(round).unwrap_or(0) * 15_000;
            requests.spawn(async move {
                ingest
                    .take((&site, std::net::Ipv4Addr::LOCALHOST.into()), Encoding::Zstd, body, now)
                    .await
            });
            if requests.len() > 512 {
                requests.join_next().await;
            }
        }
        while requests.join_next().await.is_some() {}
        spent += since(before);
    }
    spent
}

async fn scrape(collector: &Collector, now: i64, coding: Coding) -> usize {
    let wanted = Wanted { format: Format::OpenMetrics, coding };
    let snapshot = collector.fleet.snapshot(now);
    let mut body = exposition::body(snapshot, Arc::default(), &collector.telemetry, wanted, None);
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += black_box(frame.into_data()).map_or(0, |data| data.len());
    }
    bytes
}

/// The parts of an ingest that can be had by themselves.
fn parts() -> anyhow::Result<()> {
    let packed = body(1, 1);
    let mut decompressor = zstd::bulk::Decompressor::with_dictionary(wire::packing::DICTIONARY)?;
    let unpacked = decompressor.decompress(&packed, wire::limits::UNPACKED_BYTES)?;
    println!("a report of {} bytes, {} unpacked", packed.len(), unpacked.len());
    let mut unpack = || decompressor.decompress(&packed, unpacked.len());
    row("unpack", each(|| drop(black_box(unpack()))), "CPU");
    let batch = || serde_json::from_slice::<wire::Batch<wire::Report>>(&unpacked);
    row("read the batch", each(|| drop(black_box(batch()))), "CPU");
    let report = batch()?.reports.pop().ok_or_else(|| anyhow::anyhow!("no report in the batch"))?;
    let id = "th-00001".parse()?;
    let render = || -> Vec<_> {
        report.readings.iter().map(|r| exposition::reading(&id, r, NOW, Lines::default())).collect()
    };
    row("render it", each(|| drop(black_box(render()))), "CPU");
    Ok(())
}

/// Counting once, by itself: a group of sites at a time, as after an outage.
async fn counting(sites: usize, rounds: u64) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let telemetry = Arc::new(Telemetry::new()?);
    let (handle, _) = received::start(store::open(directory.path())?, telemetry)?;
    let before = processor();
    for round in 1..=rounds {
        let mut requests = JoinSet::new();
        for number in 0..sites {
            let boot = Uuid::from_u128(number as u128);
            let Some(site) = site(number) else { continue };
            let reports = vec![(boot, round, Some(NOW))];
            let reception = Reception { site, received_at: NOW, clock: Some((boot, 0)), reports };
            let handle = handle.clone();
            requests.spawn(async move { handle.record(reception).await });
        }
        while requests.join_next().await.is_some() {}
    }
    let reports = u32::try_from(sites)? * u32::try_from(rounds)?;
    row("count it once, durably", since(before) / reports, "CPU a report");
    Ok(())
}

/// A calendar of a province: a hundred meetings that repeat, each for all sites by area.
fn calendar(sites: usize) -> anyhow::Result<Plan> {
    let mut all = String::new();
    for number in 0..sites {
        writeln!(all, "  - {{ id: th-{number:05}, name: \"Xã {number}\", area: tinh }}")?;
    }
    let inventory = format!("areas: [{{ id: tinh, name: Tỉnh }}]\nsites:\n{all}");
    let meeting = |n: usize| {
        format!(
            "  - {{ id: hop-{n}, title: Họp, start: \"2026-01-{:02}T07:30\", duration: 2h, \
             repeat: \"FREQ=DAILY\", sites: {{ areas: [tinh] }} }}\n",
            n % 28 + 1
        )
    };
    let directory = tempfile::tempdir()?;
    let meetings = (0..100).map(meeting).collect::<String>();
    std::fs::write(directory.path().join("m.yaml"), format!("meetings:\n{meetings}"))?;
    Ok(Plan {
        inventory: Arc::new(inventory::parse("sites.yaml".as_ref(), inventory.as_bytes())?),
        calendar: Arc::new(meetings::files::load(directory.path())?),
    })
}

/// The judgement of all sites in the rehearsal of a meeting of all.
fn judge(collector: &Collector, sites: usize, now: i64) -> anyhow::Result<()> {
    let plan = calendar(sites)?;
    let before = processor();
    let ahead = black_box(Ahead::default().look(&plan, now)).soon.len();
    row(&format!("calendar of 100 meetings: {ahead} of the next day"), since(before), "CPU");
    collector.fleet.lock().set_inventory(&plan.inventory);
    let rehearsal = Occurrence {
        id: "giao-ban@2026-11-22T07:30".into(),
        title: "Giao ban".into(),
        start: now + 600_000,
        end: now + 3_600_000,
        sites: plan.inventory.sites.keys().cloned().collect(),
        needs: None,
        unmatched: Vec::new(),
    };
    let shared = Arc::new(judging::Shared::default());
    let fleet = Arc::clone(&collector.fleet);
    let mut judging = Judging::new(fleet, Policy::default(), Arc::clone(&shared));
    for what in ["first judgement", "judgement, nothing new", "judgement, clock moved on"] {
        let moved = if what.contains("moved") { 1_000 } else { 0 };
        let inventory = Arc::clone(&plan.inventory);
        let meetings = Coming::soon(vec![rehearsal.clone()], now);
        let expected = Expected { inventory, meetings, absences: Arc::default() };
        let before = processor();
        judging.judge_at(now + moved, expected);
        row(what, since(before), "CPU");
    }
    let judged = shared.latest();
    let verdicts = judged.judgement.sites.values().filter(|site| {
        site.verdict == collector::readiness::Verdict::Degraded
            || site.verdict == collector::readiness::Verdict::Ready
    });
    println!("{} sites can meet", verdicts.count());
    Ok(())
}

async fn measure(sites: usize, rounds: u64) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let collector = collector(&directory)?;
    println!("\n{sites} sites, one report of {} bytes packed each", body(1, 1).len());
    let spent = fill(&collector, sites, rounds).await;
    let reports = u32::try_from(sites)? * u32::try_from(rounds)?;
    row("ingest: unpack, read, check, render, store", spent / reports, "CPU a report");

    let now = NOW + i64::try_from(rounds)? * 15_000;
    let began = Instant::now();
    let snapshot = black_box(collector.fleet.snapshot(now));
    row("snapshot, while ingest waits", began.elapsed(), "");
    let before = processor();
    let judged = judging::Shared::default().latest();
    let list = api::sites(&snapshot, &judged.judgement).len();
    row(&format!("list of the API, {list} bytes"), since(before), "CPU");
    drop(snapshot);
    for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
        scrape(&collector, now, coding).await;
        let times = 20;
        let before = processor();
        let mut bytes = 0;
        for _ in 0..times {
            bytes = scrape(&collector, now, coding).await;
        }
        let what = format!(
            "scrape of {} series, {coding:?}, {:.1} MB",
            collector.telemetry.series.get(),
            bytes as f64 / 1e6
        );
        row(&what, since(before) / times, "CPU");
    }
    println!("resident {} MiB", resident_mib());
    judge(&collector, sites, now)
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    parts()?;
    runtime.block_on(async {
        counting(356, 20).await?;
        measure(356, 20).await?;
        measure(10_000, 2).await
    })
}
