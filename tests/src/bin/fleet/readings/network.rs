//! A site's line to the conference, and what answers at its end.

use std::time::Duration;

use ::tests::dice::Dice;
use agent::tally::Run;
use wire::Cause;
use wire::reading::{Failure, Reason};

use super::{Circumstances, between, chance};
use crate::fault::Fault;

/// Echoes in a run, as the probe's default.
const ECHOES: u16 = 10;

/// What a probe waits for an answer, in seconds.
const PATIENCE: f64 = 4.75;

const SERVER: &str = "10.0.0.10";

/// What a meeting needs open, and what of it a firewall blocks.
const PORTS: [(&str, bool); 4] =
    [("tcp/443", false), ("tcp/1720", true), ("h323/1719", true), ("sip/5060", false)];

/// A certificate is renewed a month before its end and good for three.
const CERTIFICATE_DAYS: f64 = 62.0;

/// What is left of one that is about to end: less than any meeting that is near.
const CERTIFICATE_ENDS: f64 = 45.0 * 60.0;

/// How good a line is; times in seconds.
#[derive(Debug)]
pub(super) struct Line {
    rtt: f64,
    jitter: f64,
    loss: f64,
    /// When it is bad.
    bad: Bad,
}

#[derive(Debug)]
struct Bad {
    rtt: f64,
    jitter: f64,
    loss: f64,
}

impl Line {
    pub(super) fn new(dice: &mut Dice, remote: f64) -> Self {
        let rtt = between(dice, 0.003, 0.012) + remote * between(dice, 0.005, 0.03);
        let bad = Bad {
            rtt: between(dice, 0.08, 0.4),
            jitter: between(dice, 0.02, 0.07),
            loss: between(dice, 0.06, 0.3),
        };
        Self { rtt, jitter: rtt * between(dice, 0.03, 0.1), loss: remote * 0.000_3, bad }
    }

    /// What a service says, and how long it took.
    pub(super) fn ask(
        &self,
        run: &mut Run<'_>,
        kind: &str,
        circumstances: Circumstances<'_>,
        dice: &mut Dice,
    ) -> (Result<(), Failure>, Duration) {
        if kind == "icmp" {
            // A run takes its whole cycle.
            return (self.echo(run, circumstances, dice), run.every);
        }
        let seconds = self.round_trip(circumstances, dice) + between(dice, 0.001, 0.004);
        if let Some(failure) = refusal(kind, circumstances) {
            let waits = matches!(failure.reason, Reason::Timeout | Reason::Resolve);
            let took = if waits { PATIENCE } else { seconds };
            return (Err(failure), Duration::from_secs_f64(took));
        }
        answer(run, kind, seconds, circumstances);
        (Ok(()), Duration::from_secs_f64(seconds))
    }

    fn round_trip(&self, circumstances: Circumstances<'_>, dice: &mut Dice) -> f64 {
        let (mut rtt, mut jitter) = (self.rtt, self.jitter);
        if circumstances.felt.has(Fault::LossyLine) {
            (rtt, jitter) = (rtt + self.bad.rtt, self.bad.jitter);
        }
        // Queues: most echoes are quick, few are slow.
        rtt - jitter * chance(dice).max(1e-6).ln()
    }

    fn echo(
        &self,
        run: &mut Run<'_>,
        circumstances: Circumstances<'_>,
        dice: &mut Dice,
    ) -> Result<(), Failure> {
        let felt = circumstances.felt;
        let loss = if felt.has(Fault::LineCut) {
            1.0
        } else if felt.has(Fault::LossyLine) {
            self.bad.loss
        } else {
            self.loss
        };
        let mut trips: Vec<f64> = Vec::with_capacity(ECHOES.into());
        for _ in 0..ECHOES {
            if !dice.chance(loss) {
                trips.push(self.round_trip(circumstances, dice));
            }
        }
        let (sent, received) = (f64::from(ECHOES), trips.len() as f64);
        run.count("bridge_probe_packets_sent_total", sent);
        run.count("bridge_probe_packets_received_total", received);
        for total in ["packets_duplicate", "packets_late", "send_errors"] {
            run.count(&format!("bridge_probe_{total}_total"), 0.0);
        }
        for trip in &trips {
            run.observe("bridge_probe_rtt_seconds", *trip);
        }
        run.gauge("bridge_probe_address_hash", 1_640_531_527.0);
        run.gauge("bridge_probe_loss_ratio", 1.0 - received / sent);
        let steps = trips.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let jitter = steps.sum::<f64>() / (received - 1.0);
        if jitter.is_finite() && received > 1.0 {
            run.gauge("bridge_probe_jitter_seconds", jitter);
        }
        if trips.is_empty() {
            let detail = format!("echo {SERVER}: none of {ECHOES} requests was answered");
            return Err(Failure::new(Reason::Timeout, detail));
        }
        Ok(())
    }
}

/// Why a service does not answer.
fn refusal(kind: &str, circumstances: Circumstances<'_>) -> Option<Failure> {
    let felt = circumstances.felt;
    let cut = felt.has(Fault::LineCut);
    let by_name = matches!(kind, "http" | "dns");
    if by_name && (cut || felt.has(Fault::NamesDead)) {
        let detail = "10.0.0.53:53 on hoinghi.tinh.gov.vn A: no answer in 4.75 s";
        let reason = if kind == "dns" { Reason::Timeout } else { Reason::Resolve };
        return Some(Failure::new(reason, detail));
    }
    if cut {
        return Some(Failure::new(Reason::Timeout, format!("{SERVER}: no answer in 4.75 s")));
    }
    let refuses = felt.has(Fault::ServiceRefuses) && matches!(kind, "sip" | "h323");
    let port = if kind == "sip" { 5060 } else { 1720 };
    refuses.then(|| {
        Failure::new(Reason::Refused, format!("connect {SERVER}:{port}: connection refused"))
    })
}

fn answer(run: &mut Run<'_>, kind: &str, seconds: f64, circumstances: Circumstances<'_>) {
    match kind {
        "sip" => {
            run.gauge("bridge_probe_answer_seconds", seconds);
            run.gauge("bridge_probe_sip_status_code", 200.0);
        }
        "h323" => {
            run.gauge("bridge_probe_answer_seconds", seconds);
            run.gauge("bridge_probe_connect_seconds", seconds);
        }
        "dns" => {
            run.gauge("bridge_probe_dns_rcode", 0.0);
            run.gauge("bridge_probe_dns_answers", 1.0);
        }
        "http" => web(run, seconds, circumstances),
        _ => ports(run, circumstances),
    }
}

fn web(run: &mut Run<'_>, seconds: f64, circumstances: Circumstances<'_>) {
    for (stage, trips) in
        [("resolve", 1.0), ("connect", 2.0), ("first_byte", 1.5), ("transfer", 0.2)]
    {
        run.gauge(&format!("bridge_probe_http_{stage}_seconds"), seconds * trips);
    }
    run.gauge("bridge_probe_http_status_code", 200.0);
    let now = circumstances.now as f64 / 1e3;
    let day = 86_400.0;
    let expiry = match circumstances.felt.lasting(Fault::CertificateEnding) {
        // Of a certificate the end stands still.
        Some(lasting) => now - lasting as f64 / 1e3 + CERTIFICATE_ENDS,
        None => (now / day).floor() * day + CERTIFICATE_DAYS * day,
    };
    run.gauge("bridge_probe_tls_expiry_timestamp_seconds", expiry.floor());
}

fn ports(run: &mut Run<'_>, circumstances: Circumstances<'_>) {
    let firewall = circumstances.felt.has(Fault::PortsBlocked);
    for (port, blocked) in PORTS {
        let open = !(firewall && blocked);
        run.gauge_of("bridge_probe_port_open", port, f64::from(u8::from(open)));
    }
    if firewall {
        let detail = format!("{SERVER}: open tcp/443, sip/5060; no answer tcp/1720, h323/1719");
        run.trouble(SERVER, Cause::PortsBlocked, &detail);
    }
}
