//! Questions to one SNMP agent, and what its errors mean.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_snmp::{Auth, Client, Error, ErrorStatus, Oid, Retry, UdpHandle, Value};
use wire::reading::{Failure, Reason};

use super::super::failure;

/// One lost datagram is no dead device.
const RETRIES: u32 = 2;

/// Values in one request: the answers of small agents must fit into 484 bytes (RFC 3417 § 3.1).
const OIDS_PER_REQUEST: usize = 10;

/// An agent that lets its asker in.
pub(in super::super) struct Session {
    client: Client<UdpHandle>,
    pub(in super::super) server: SocketAddr,
    patience: Duration,
}

/// The device answers and does not take the account, in its words.
#[derive(Debug)]
pub(in super::super) struct Refused(pub(in super::super) String);

/// An OID of this program.
pub(in super::super) fn oid(arcs: &[u32]) -> Oid {
    Oid::from_slice(arcs)
}

impl Session {
    /// Makes a socket; nothing is sent yet.
    pub(in super::super) async fn open(
        server: SocketAddr,
        auth: Auth,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let retry = Retry::fixed(RETRIES, Duration::ZERO).unwrap_or_else(|_| Retry::none());
        let client = Client::builder(server, auth)
            .retry(retry)
            .max_oids_per_request(OIDS_PER_REQUEST)
            // A little less than all, so that its own words for silence are heard.
            .request_timeout(patience.mul_f32(0.9) / (RETRIES + 1))
            // An agent that refuses the account says so without proof, as the two share no key: to
            // believe only proven answers would make silence of it. Who could forge one could as
            // well withhold the true one, and nothing is changed on either.
            .allow_unauthenticated_v3_time_correction(true)
            .connect()
            .await
            .map_err(|error| failed(&error, server, patience))?;
        Ok(Self { client, server, patience })
    }

    /// The values of `oids`, in their order; `None` of what the agent does not have.
    pub(in super::super) async fn get(
        &self,
        oids: &[Oid],
    ) -> Result<Result<Vec<Option<Value>>, Refused>, Failure> {
        let mut values: Vec<Option<Value>> = vec![None; oids.len()];
        let mut left: Vec<usize> = (0..oids.len()).collect();
        let asking = async {
            while !left.is_empty() {
                let wanted: Vec<Oid> =
                    left.iter().filter_map(|at| oids.get(*at)).cloned().collect();
                match self.client.get_many(&wanted).await {
                    Ok(response) => {
                        for binding in response.varbinds {
                            let place = oids.iter().position(|oid| *oid == binding.oid);
                            if let Some(value) = place.and_then(|at| values.get_mut(at)) {
                                *value = Some(binding.value).filter(|value| !value.is_exception());
                            }
                        }
                        return Ok(Ok(()));
                    }
                    Err(error) => match missing(&error, &wanted) {
                        // Version 1 answers for all or for none.
                        Some(at) => drop(left.remove(at)),
                        None => return self.sorted(&error),
                    },
                }
            }
            Ok(Ok(()))
        };
        let what = format_args!("ask {}", self.server);
        Ok(failure::within(self.patience, what, asking).await?.map(|()| values))
    }

    /// The rows of one column of a table, `limit` at most.
    pub(in super::super) async fn column(
        &self,
        column: &Oid,
        limit: usize,
    ) -> Result<Vec<(Oid, Value)>, Failure> {
        let deadline = Instant::now() + self.patience;
        let mut rows: Vec<(Oid, Value)> = Vec::new();
        while rows.len() < limit && Instant::now() < deadline {
            let last = rows.last().map_or(column, |(oid, _)| oid);
            let Ok(response) = self.client.get_next(last).await else { break };
            let Some(next) = response.varbinds.into_iter().next() else { break };
            // An agent that goes in circles would never end.
            if !next.oid.starts_with(column) || next.oid <= *last || next.value.is_exception() {
                break;
            }
            rows.push((next.oid, next.value));
        }
        Ok(rows)
    }

    fn sorted(&self, error: &Error) -> Result<Result<(), Refused>, Failure> {
        match error.exchange_source() {
            Error::Auth { .. } => Ok(Err(Refused("its answer is not proven".to_owned()))),
            Error::Report { status, .. } => Ok(Err(Refused(status.to_string()))),
            other => Err(failed(other, self.server, self.patience)),
        }
    }
}

/// Which of `wanted` a version 1 agent does not have.
fn missing(error: &Error, wanted: &[Oid]) -> Option<usize> {
    match error.exchange_source() {
        Error::Snmp { status: ErrorStatus::NoSuchName, index, .. } => {
            let at = usize::try_from(*index).ok()?.checked_sub(1)?;
            (at < wanted.len()).then_some(at)
        }
        _ => None,
    }
}

fn failed(error: &Error, server: SocketAddr, patience: Duration) -> Failure {
    let what = format_args!("ask {server}");
    match error.exchange_source() {
        Error::Timeout { .. } | Error::ConstructionTimeout { .. } => {
            let silence = failure::timeout(patience, what);
            let detail = format!("{} (so it is with a wrong community too)", silence.detail);
            Failure::new(Reason::Timeout, detail)
        }
        Error::Network { source, .. } => failure::of(source, what),
        Error::Snmp { status: ErrorStatus::AuthorizationError | ErrorStatus::NoAccess, .. } => {
            Failure::new(Reason::Denied, format_args!("{what}: {error}"))
        }
        Error::Snmp { status, .. } => {
            Failure::new(Reason::Unexpected, format_args!("{what}: {status}"))
        }
        other => Failure::new(Reason::Protocol, format_args!("{what}: {other}")),
    }
}
