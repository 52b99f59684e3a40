//! `enroll`: makes enrolment codes, one for the terminal or a list for Excel.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::Connection;
use wire::enrolment::{Code, PIN_BYTES, SECRET_BYTES, sha256_hex};
use wire::{Language, SiteId, UnixMillis};

use super::CommandError;
use super::user::actor;
use crate::authority::Authority;
use crate::config::{Config, HostName};
use crate::inventory::Inventory;
use crate::store::{self, credentials, waiting};
use crate::{StartError, inventory, now};

/// Excel takes a file for UTF-8 only with this in front.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Vietnam's Windows writes decimals with a comma, so its Excel separates columns by this.
const SEPARATOR: u8 = b';';

/// Whom to invite.
#[derive(Debug, Clone)]
pub enum Which {
    /// One site; its code goes to standard output.
    One(SiteId),
    /// Every expected site without a credential, as a list.
    All {
        /// Also those that have a credential.
        again: bool,
        /// The file to make; standard output without one.
        output: Option<PathBuf>,
    },
}

/// What `enroll` is asked for.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Whom.
    pub which: Which,
    /// For how long.
    pub life: Duration,
}

/// A code and whose it is.
pub(super) struct Invited<'a> {
    pub(super) site: &'a SiteId,
    pub(super) code: String,
    pub(super) expires_at: UnixMillis,
}

/// Makes codes. They go to `out`, what people should know besides goes to `aside`.
pub fn enroll(
    config: &Config,
    invitation: &Invitation,
    language: Language,
    out: &mut impl Write,
    aside: &mut impl Write,
) -> Result<(), CommandError> {
    let inventory = inventory::load(&config.inventory).map_err(StartError::Inventory)?;
    match &invitation.which {
        Which::One(site) => {
            let Some(expected) = inventory.sites.get(site) else {
                return Err(unknown(site, &inventory));
            };
            let mut desk = Desk::open(config, invitation.life)?;
            for invited in desk.invite(&[site])? {
                writeln!(out, "{}", invited.code).map_err(failed(None))?;
            }
            tell(aside, &for_one(site, &expected.name, desk.expires_at, language));
        }
        Which::All { again, output } => {
            let mut desk = Desk::open(config, invitation.life)?;
            let enrolled = if *again { BTreeSet::new() } else { desk.enrolled()? };
            let sites: Vec<_> =
                inventory.sites.keys().filter(|site| !enrolled.contains(*site)).collect();
            let path = output.as_deref();
            // Before the codes: where the list cannot be written, those on paper stay good.
            let file = path.map(create).transpose().map_err(failed(path))?;
            let codes = desk.invite(&sites)?;
            let written = match file {
                Some(mut file) => {
                    write_list(&mut file, &codes, &inventory).and_then(|()| file.sync_all())
                }
                None => write_list(out, &codes, &inventory),
            };
            written.map_err(failed(path))?;
            tell(aside, &for_all(codes.len(), enrolled.len(), language));
        }
    }
    if config.agents.listen.port() == 0 {
        tell(aside, "agents.listen has port 0, so the code leads nowhere as it stands\n");
    }
    Ok(())
}

/// Where codes are made.
pub(super) struct Desk<'a> {
    config: &'a Config,
    pin: [u8; PIN_BYTES],
    connection: Connection,
    now: UnixMillis,
    expires_at: UnixMillis,
}

impl<'a> Desk<'a> {
    pub(super) fn open(config: &'a Config, life: Duration) -> Result<Self, CommandError> {
        let now = now();
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        Ok(Self {
            config,
            pin: Authority::of_agents(config, now)?.pin(),
            connection: store::open(&config.state_dir).map_err(StartError::Store)?,
            now,
            expires_at: now.saturating_add(life),
        })
    }

    pub(super) fn enrolled(&self) -> Result<BTreeSet<SiteId>, CommandError> {
        Ok(credentials::all(&self.connection)?.into_iter().map(|c| c.site).collect())
    }

    /// Until when a code that was made before is good: for this site, unused, and leading to this
    /// collector as it is configured now.
    pub(super) fn good_until(
        &self,
        site: &SiteId,
        code: &str,
    ) -> Result<Option<UnixMillis>, CommandError> {
        let Ok(code) = code.parse::<Code>() else { return Ok(None) };
        let agents = &self.config.agents;
        let here = agents.names.iter().any(|name| name.in_authority() == code.host)
            && code.port == agents.listen.port()
            && code.pin == self.pin;
        if !here {
            return Ok(None);
        }
        let until = credentials::good_until(&self.connection, site, &sha256_hex(&code.secret))?;
        Ok(until.filter(|until| *until > self.now))
    }

    /// One code for the whole fleet, good for so many PCs, and until when.
    pub(super) fn fleet_code(&self, uses: u32) -> Result<(String, UnixMillis), CommandError> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        let (until, hash) = (self.expires_at, sha256_hex(&secret));
        waiting::add_code(&self.connection, &hash, (until, uses), &actor(), self.now)?;
        let agents = &self.config.agents;
        let host = agents.names.first().map(HostName::in_authority).unwrap_or_default();
        let code = Code { host, port: agents.listen.port(), secret, pin: self.pin };
        Ok((code.to_string(), until))
    }

    /// A code each; when this returns the collector knows them.
    pub(super) fn invite<'s>(
        &mut self,
        sites: &[&'s SiteId],
    ) -> Result<Vec<Invited<'s>>, CommandError> {
        let agents = &self.config.agents;
        // A configuration has at least one name.
        let host = agents.names.first().map(HostName::in_authority).unwrap_or_default();
        let mut invited = Vec::with_capacity(sites.len());
        let mut hashes = Vec::with_capacity(sites.len());
        for &site in sites {
            let mut secret = [0; SECRET_BYTES];
            getrandom::fill(&mut secret)?;
            hashes.push((site.clone(), sha256_hex(&secret)));
            let (host, port) = (host.clone(), agents.listen.port());
            let code = Code { host, port, secret, pin: self.pin }.to_string();
            invited.push(Invited { site, code, expires_at: self.expires_at });
        }
        let codes = (hashes.as_slice(), self.expires_at);
        credentials::add_codes(&mut self.connection, codes, &actor(), self.now)?;
        Ok(invited)
    }
}

pub(super) fn failed(path: Option<&Path>) -> impl Fn(io::Error) -> CommandError {
    let path = path.unwrap_or(Path::new("standard output")).to_owned();
    move |source| CommandError::Output { path: path.clone(), source }
}

/// Nobody is told of a failure to tell.
pub(super) fn tell(aside: &mut impl Write, text: &str) {
    let _ = aside.write_all(text.as_bytes());
}

pub(super) fn unknown(site: &SiteId, inventory: &Inventory) -> CommandError {
    let known: Vec<_> = inventory.sites.keys().map(SiteId::as_str).collect();
    let nearest = wire::yaml::nearest(site.as_str(), &known).map(str::to_owned);
    CommandError::UnknownSite { site: site.clone(), nearest }
}

/// A list of codes is a list of keys: for its owner alone, and never over another one.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) fn write_list(
    to: &mut impl Write,
    codes: &[Invited<'_>],
    inventory: &Inventory,
) -> io::Result<()> {
    to.write_all(BYTE_ORDER_MARK)?;
    let mut list = csv::WriterBuilder::new()
        .delimiter(SEPARATOR)
        .terminator(csv::Terminator::CRLF)
        .from_writer(to);
    list.write_record(["site", "name", "area", "level", "code", "expires"])?;
    for Invited { site, code, expires_at } in codes {
        let expires = moment(*expires_at);
        let Some(expected) = inventory.sites.get(*site) else { continue };
        let area = expected.area.as_ref().and_then(|area| inventory.areas.get(area));
        let area = area.map_or("", |area| area.name.as_str());
        list.write_record([site.as_str(), &expected.name, area, &expected.level, code, &expires])?;
    }
    list.flush()
}

/// As people in Vietnam read it: `2026-11-29 08:00 +07:00`.
pub(super) fn moment(at: UnixMillis) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(at) else { return String::new() };
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap_or(TimeZone::UTC);
    timestamp.to_zoned(zone).strftime("%Y-%m-%d %H:%M %:z").to_string()
}

fn for_one(site: &SiteId, name: &str, expires_at: UnixMillis, language: Language) -> String {
    let expires = moment(expires_at);
    language.pick(
        format!(
            "Mã ghi danh của {name} ({site}), dùng một lần, hết hạn lúc {expires}.\n\
             Các mã chưa dùng cấp trước đó cho điểm cầu này không còn hiệu lực.\n\
             Trên máy của điểm cầu, hãy chạy: nhipcau-agent enroll MÃ\n"
        ),
        format!(
            "The code of {name} ({site}) works once and expires at {expires}.\n\
             Codes made for this site before and not used are no longer good.\n\
             On the PC of the site, run: nhipcau-agent enroll CODE\n"
        ),
    )
}

fn for_all(codes: usize, enrolled: usize, language: Language) -> String {
    language.pick(
        format!(
            "Đã cấp {codes} mã; {enrolled} điểm cầu đã ghi danh từ trước được giữ nguyên \
             (thêm --again để cấp cả các điểm cầu này).\n"
        ),
        format!(
            "{codes} codes made; {enrolled} sites that are enrolled already were left alone \
             (--again includes them).\n"
        ),
    )
}
