//! Whether a name server answers a question, and with what.
//!
//! Asked by this program itself and not through the system's resolver, whose cache and `hosts`
//! file would answer for a dead server.

mod exchange;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::{Duration, Instant};

use domain::base::iana::Rcode;
use domain::base::wire::ParseError;
use domain::base::{Message, MessageBuilder, Name, ParseRecordData, ParsedName, Rtype};
use domain::rdata::{A, Aaaa, Cname, Mx, Ns, Ptr, Soa, Srv, Txt};
use serde::{Deserialize, Deserializer, de};
use wire::reading::{Capability, Failure, Reason};

use super::failure;
use crate::platform;
use crate::tally::Run;

const DNS_PORT: u16 = 53;

/// `dns: { name: mcu.tinh.gov.vn, server: 10.0.0.53, type: A, expect: 10.0.0.10 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// The name to ask for; an IP address stands for the name its reverse entry is under.
    pub name: Question,
    /// `address` or `address:port` of the server. Default: the system's servers in its order,
    /// asked anew each time, as networks with DHCP change them.
    #[serde(default)]
    pub server: Option<Server>,
    /// The type of record. Default: `A`, and `PTR` where `name` is an IP address.
    #[serde(default, rename = "type")]
    pub record_type: Option<RecordType>,
    /// What one of the records must say, as zone files write it (`10.0.0.10`,
    /// `10 5 5060 sip.tinh.gov.vn`), or one word of it; letters' case and a last dot do not
    /// matter. Default: any record will do.
    #[serde(default)]
    pub expect: Option<Box<str>>,
}

/// What is asked for, in the names of the registry of DNS parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "named and described by RFC 1035, 2782 and 3596")]
pub enum RecordType {
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Ptr,
    Soa,
    Srv,
    Txt,
}

/// See [`Dns::name`].
#[derive(Debug, Clone)]
pub struct Question {
    name: Name<Vec<u8>>,
    is_address: bool,
}

/// See [`Dns::server`].
#[derive(Debug, Clone, Copy)]
pub struct Server(SocketAddr);

impl Dns {
    /// A meeting looks few names up; a minute shows a dead server in time.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// What the system's resolver gives one server (resolv.conf(5)).
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(5))
    }

    /// Asks one server after the other until one answers, each with its share of the time, as
    /// the system's resolver does.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let patience = failure::patience(run);
        let servers = self.server.map_or_else(platform::dns_servers, |server| vec![server.0]);
        let query = self.query()?;
        let mut first = None;
        for (server, share) in failure::in_turn(&servers, patience) {
            let began = Instant::now();
            match exchange::ask(*server, &query, share).await {
                Ok(answer) => {
                    say_answered(run, *server, answer.over_tcp, began.elapsed());
                    return self.judge(run, *server, &answer.message);
                }
                Err(failure) => {
                    run.step(
                        || format!("Máy chủ tên miền {server} không trả lời được: {failure}."),
                        || failure.to_string(),
                    );
                    first.get_or_insert(failure);
                }
            }
        }
        Err(first.unwrap_or_else(|| Failure::new(Reason::Absent, "no name server is configured")))
    }

    fn record_type(&self) -> RecordType {
        let default = if self.name.is_address { RecordType::Ptr } else { RecordType::A };
        self.record_type.unwrap_or(default)
    }

    fn query(&self) -> Result<Message<Vec<u8>>, Failure> {
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_random_id();
        builder.header_mut().set_rd(true);
        let mut question = builder.question();
        question.push((&self.name.name, self.record_type().code())).map_err(|error| {
            Failure::new(Reason::Internal, format_args!("make a query: {error}"))
        })?;
        Ok(question.into_message())
    }

    /// What an answer to this question means.
    fn judge(
        &self,
        run: &mut Run<'_>,
        server: SocketAddr,
        message: &Message<Vec<u8>>,
    ) -> Result<(), Failure> {
        let rcode = message.header().rcode();
        run.gauge("bridge_probe_dns_rcode", f64::from(rcode.to_int()));
        let broken = |error: ParseError| {
            Failure::new(Reason::Protocol, format_args!("the answer of {server}: {error}"))
        };
        let answers = message.answer().map_err(broken)?;
        let answers = answers.collect::<Result<Vec<_>, _>>().map_err(broken)?.len();
        run.gauge("bridge_probe_dns_answers", answers as f64);
        let records = self.record_type().texts(message).map_err(broken)?;
        self.explain(run, rcode, &records);
        self.verdict(rcode, &records).map_err(|cause| {
            let (name, code) = (&self.name.name, self.record_type().code());
            Failure::new(Reason::Unexpected, format_args!("{server} on {name} {code}: {cause}"))
        })
    }

    /// What is wrong with the answer, in words.
    fn verdict(&self, rcode: Rcode, records: &[String]) -> Result<(), String> {
        if rcode != Rcode::NOERROR {
            return Err(rcode.to_string());
        }
        if records.is_empty() {
            return Err("no such record".to_owned());
        }
        match &self.expect {
            Some(expect) if !records.iter().any(|record| says(record, expect)) => {
                // Enough to see what came, without a zone in a label.
                let some = records.iter().take(3).map(String::as_str).collect::<Vec<_>>();
                Err(format!("expected {expect}, got {}", some.join("; ")))
            }
            _ => Ok(()),
        }
    }

    fn explain(&self, run: &mut Run<'_>, rcode: Rcode, records: &[String]) {
        let (name, code) = (&self.name.name, self.record_type().code());
        let list = || if records.is_empty() { "-".to_owned() } else { records.join("; ") };
        run.step(
            || format!("{name} {code}: mã trả lời {rcode}, bản ghi: {}.", list()),
            || format!("{name} {code}: response code {rcode}, records: {}.", list()),
        );
    }
}

/// Whether a record's text, or one word of it, is the expected one.
fn says(record: &str, expect: &str) -> bool {
    let plain = |text: &str| text.trim_matches('"').trim_end_matches('.').to_ascii_lowercase();
    let expect = plain(expect.trim());
    plain(record) == expect || record.split(' ').any(|word| plain(word) == expect)
}

fn say_answered(run: &mut Run<'_>, server: SocketAddr, over_tcp: bool, took: Duration) {
    let (way, millis) = (if over_tcp { "TCP" } else { "UDP" }, took.as_secs_f64() * 1e3);
    run.step(
        || format!("{server} trả lời qua {way} sau {millis:.1} ms."),
        || format!("{server} answered over {way} after {millis:.1} ms."),
    );
    if over_tcp {
        run.step(
            || "Câu trả lời quá dài cho UDP nên được hỏi lại qua TCP.".to_owned(),
            || "The answer was too long for UDP and was asked for again over TCP.".to_owned(),
        );
    }
}

impl RecordType {
    fn code(self) -> Rtype {
        match self {
            Self::A => Rtype::A,
            Self::Aaaa => Rtype::AAAA,
            Self::Cname => Rtype::CNAME,
            Self::Mx => Rtype::MX,
            Self::Ns => Rtype::NS,
            Self::Ptr => Rtype::PTR,
            Self::Soa => Rtype::SOA,
            Self::Srv => Rtype::SRV,
            Self::Txt => Rtype::TXT,
        }
    }

    /// The records of this type in the answer section, as zone files write them.
    fn texts(self, message: &Message<Vec<u8>>) -> Result<Vec<String>, ParseError> {
        type Found<'a> = ParsedName<&'a [u8]>;
        match self {
            Self::A => texts::<A>(message),
            Self::Aaaa => texts::<Aaaa>(message),
            Self::Cname => texts::<Cname<Found<'_>>>(message),
            Self::Mx => texts::<Mx<Found<'_>>>(message),
            Self::Ns => texts::<Ns<Found<'_>>>(message),
            Self::Ptr => texts::<Ptr<Found<'_>>>(message),
            Self::Soa => texts::<Soa<Found<'_>>>(message),
            Self::Srv => texts::<Srv<Found<'_>>>(message),
            Self::Txt => texts::<Txt<&[u8]>>(message),
        }
    }
}

fn texts<'a, D>(message: &'a Message<Vec<u8>>) -> Result<Vec<String>, ParseError>
where
    D: ParseRecordData<'a, Vec<u8>> + std::fmt::Display,
{
    message.answer()?.limit_to_in::<D>().map(|record| Ok(record?.data().to_string())).collect()
}

impl<'de> Deserialize<'de> for Question {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(address) = text.parse::<IpAddr>() {
            let name = Name::reverse_from_addr(address).map_err(de::Error::custom)?;
            return Ok(Self { name, is_address: true });
        }
        match Name::from_str(&text) {
            Ok(name) => Ok(Self { name, is_address: false }),
            Err(error) => Err(de::Error::custom(format_args!(
                "{text:?} is not a name to ask for, like mcu.tinh.gov.vn or 10.0.0.10: {error}"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, DNS_PORT));
        address.ok().or_else(|| text.parse().ok()).map(Self).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text:?} is not the address of a server, like 10.0.0.53 or 10.0.0.53:5353; a \
                 name would itself have to be looked up"
            ))
        })
    }
}
