//! Sites that come back together after an outage, at the pace of agents: each within the longest
//! backoff, the newest reports first, then the backlog in batches with pauses.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::uplink::pace::{self, Pauses};
use agent::uplink::{BACKLOG_REPORTS, FRESH_REPORTS};
use rustls::ClientConfig;
use uuid::Uuid;

use crate::Load;
use crate::push::Site;

/// When, after the line was back, a site's present and all its past had arrived.
type Times = (Duration, Duration);

/// Pushes and tells how it went.
pub(crate) async fn run(load: Load) -> anyhow::Result<()> {
    let trust = tests::tls::trusting_anything()?;
    let begin = Instant::now();
    let sites: Vec<_> = (0..load.sites)
        .map(|number| tokio::spawn(site(number, load.clone(), Arc::clone(&trust), begin)))
        .collect();
    let (mut present, mut past) = (Vec::new(), Vec::new());
    for site in sites {
        let (fresh, all) = site.await??;
        present.push(fresh);
        past.push(all);
    }
    for (what, mut times) in [("newest state", present), ("whole backlog", past)] {
        times.sort_unstable();
        let at = |share: usize| {
            times.get((times.len() - 1) * share / 100).copied().unwrap_or_default().as_secs_f64()
        };
        println!("{what}: p50 {:.1} s, p99 {:.1} s, last {:.1} s", at(50), at(99), at(100));
    }
    println!("reports: {}", load.sites as u64 * load.rounds);
    Ok(())
}

async fn site(
    number: usize,
    load: Load,
    trust: Arc<ClientConfig>,
    begin: Instant,
) -> anyhow::Result<Times> {
    tokio::time::sleep(pace::CAP.mul_f64(chance())).await;
    let mut site = Site::connect(number, &load, trust).await?;
    let newest = load.rounds;
    let oldest_fresh = (newest + 1).saturating_sub(FRESH_REPORTS as u64).max(1);
    push(&mut site, oldest_fresh..=newest, &load).await?;
    let fresh = begin.elapsed();
    tokio::time::sleep(Pauses::FLEET.first(chance())).await;
    let mut next = 1;
    while next < oldest_fresh {
        let last = (next + BACKLOG_REPORTS as u64 - 1).min(oldest_fresh - 1);
        let took = push(&mut site, next..=last, &load).await?;
        next = last + 1;
        tokio::time::sleep(Pauses::FLEET.after(took, chance())).await;
    }
    Ok((fresh, begin.elapsed()))
}

/// Pushes, and again while the collector says "later".
async fn push(site: &mut Site, seqs: RangeInclusive<u64>, load: &Load) -> anyhow::Result<Duration> {
    loop {
        match site.push(seqs.clone(), load.rounds, load.series).await? {
            Some(took) => return Ok(took),
            None => tokio::time::sleep(Pauses::FLEET.least).await,
        }
    }
}

/// In 0..1.
fn chance() -> f64 {
    f64::from(u32::try_from(Uuid::new_v4().as_u128() & 0xFFFF).unwrap_or_default()) / 65_536.0
}
