//! The same series, pushed to Prometheus' Pushgateway in the way its documentation says.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use tests::http;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::{Load, Outcome, fleet, push};

/// Pushes and tells how it went.
pub(crate) async fn run(load: Load) -> anyhow::Result<()> {
    let turns = Arc::new(Semaphore::new(if load.every == 0 { load.at_once } else { load.sites }));
    let pushing: Vec<_> = (0..load.sites)
        .map(|number| tokio::spawn(site(number, load.clone(), Arc::clone(&turns))))
        .collect();
    crate::tell(&load, pushing).await
}

async fn site(number: usize, load: Load, turns: Arc<Semaphore>) -> anyhow::Result<Outcome> {
    let path = format!("/metrics/job/bridge/site/{}", fleet::site(number));
    let mut connection = BufReader::new(TcpStream::connect(load.to).await?);
    let (mut took, mut refused) = (Vec::new(), 0);
    for seq in 1..=load.rounds {
        push::pause(&load, number, seq).await;
        let _turn = turns.acquire().await?;
        let request = http::request("PUT", &path, &[], body(load.series, seq)?.as_bytes());
        let begin = Instant::now();
        let (status, _) = push::exchange(&mut connection, &request).await?;
        // 202: taken without the consistency check.
        if status == 200 || status == 202 {
            took.push(begin.elapsed());
        } else {
            refused += 1;
        }
    }
    Ok((took, refused))
}

/// The text format wants the series of a metric together.
fn body(count: usize, seq: u64) -> anyhow::Result<String> {
    let mut series: Vec<_> = fleet::series(count, seq).collect();
    series.sort_by_key(|(name, ..)| *name);
    let mut text = String::new();
    let mut last = "";
    for (name, label, value) in series {
        if name != last {
            writeln!(text, "# TYPE {name} untyped")?;
            last = name;
        }
        writeln!(text, "{name}{{device=\"{label}\"}} {value}")?;
    }
    Ok(text)
}
