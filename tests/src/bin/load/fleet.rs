//! Sites that exist only here: their names, credentials and reports.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;
use wire::enrolment::sha256_hex;
use wire::limits;
use wire::packing::DICTIONARY;

/// The id of a site.
pub(crate) fn site(number: usize) -> String {
    format!("load-{number:05}")
}

/// Its credential; made from its id, so that `prepare` and `push` agree.
pub(crate) fn credential(number: usize) -> String {
    sha256_hex(site(number).as_bytes())
}

/// Writes inventory and credentials as if every site had enrolled.
pub(crate) fn prepare(state_dir: &Path, inventory: &Path, sites: usize) -> anyhow::Result<()> {
    let mut text = "areas:\n  - { id: load, name: \"Tải thử\" }\nsites:\n".to_owned();
    for number in 0..sites {
        let id = site(number);
        writeln!(
            text,
            "  - {{ id: {id}, name: \"UBND xã {number}\", level: commune, area: load, uplink: pop-{} }}",
            number / 20
        )?;
    }
    std::fs::write(inventory, text)?;
    let ids: Vec<String> = (0..sites).map(site).collect();
    let credentials = ids.iter().enumerate().map(|(number, id)| (id.as_str(), credential(number)));
    tests::enrolled::write(state_dir, credentials)
}

/// The labelled series of a report: metrics of disks and links, as a PC with many of them has.
const METRICS: [&str; 5] = [
    "bridge_host_disk_size_bytes",
    "bridge_host_disk_available_bytes",
    "bridge_link_speed_bytes_per_second",
    "bridge_link_receive_bytes_total",
    "bridge_link_transmit_bytes_total",
];

/// Name, label and value of each series of a site at a moment, in the order in which agents send
/// them: gauges before totals, a metric's series together.
pub(crate) fn series(count: usize, seq: u64) -> impl Iterator<Item = (&'static str, String, u64)> {
    let devices = count.div_ceil(METRICS.len());
    (0..count).map(move |at| {
        let value = 1_000_000_007 * (at as u64 + 1) + seq * 977;
        (METRICS[at / devices], format!("device-{:03}", at % devices), value)
    })
}

/// Milliseconds between two reports of a site.
const EVERY_MS: u64 = 15_000;

/// The body of a push of these reports, by a site whose latest is number `newest`.
pub(crate) fn body(
    boot: Uuid,
    seqs: impl Iterator<Item = u64>,
    newest: u64,
    count: usize,
) -> anyhow::Result<Vec<u8>> {
    let now = tests::wait::now();
    let reports: Vec<Value> = seqs
        .map(|seq| {
            let age = i64::try_from((newest - seq) * EVERY_MS).unwrap_or_default();
            json!({
                "boot": boot, "seq": seq, "taken_at": now - age, "uptime_ms": seq * EVERY_MS,
                "agent": { "version": "0.1.0", "os": "Debian GNU/Linux 12" },
                "readings": [{
                    "probe": "pc", "kind": "host", "every_ms": EVERY_MS, "duration_us": 800,
                    "samples": samples(count, seq),
                }],
            })
        })
        .collect();
    let batch = json!({
        "version": limits::VERSION, "sent_at": now, "boot": boot, "uptime_ms": newest * EVERY_MS,
        "reports": reports,
    });
    // As agents pack: their level, their dictionary.
    let mut packer = zstd::bulk::Compressor::with_dictionary(3, DICTIONARY)?;
    Ok(packer.compress(batch.to_string().as_bytes())?)
}

fn samples(count: usize, seq: u64) -> Vec<Value> {
    series(count, seq)
        .map(|(name, label, value)| json!({ "name": name, "label": label, "value": value }))
        .collect()
}
