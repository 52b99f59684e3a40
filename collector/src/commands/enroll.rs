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
use crate::authority::Authority;
use crate::config::{Config, HostName};
use crate::inventory::Inventory;
use crate::store::{self, credentials};
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

struct Invited {
    site: SiteId,
    code: String,
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
    if let Which::One(site) = &invitation.which
        && !inventory.sites.contains_key(site)
    {
        return Err(unknown(site, &inventory));
    }
    let now = now();
    let life = i64::try_from(invitation.life.as_millis()).unwrap_or(i64::MAX);
    let expires_at = now.saturating_add(life);
    let pin = Authority::of_agents(config, now)?.pin();
    let mut connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    if config.agents.listen.port() == 0 {
        let _ = writeln!(aside, "agents.listen: port 0; the code leads nowhere as it stands");
    }
    match &invitation.which {
        Which::One(site) => {
            let name = inventory.sites.get(site).map_or("", |expected| expected.name.as_str());
            let codes = invite(config, pin, &[site], &mut connection, expires_at, now)?;
            let standard = |source| CommandError::Output { path: "-".into(), source };
            for invited in &codes {
                writeln!(out, "{}", invited.code).map_err(standard)?;
            }
            let _ = aside.write_all(for_one(site, name, expires_at, language).as_bytes());
        }
        Which::All { again, output } => {
            let enrolled: BTreeSet<SiteId> = if *again {
                BTreeSet::new()
            } else {
                credentials::all(&connection)?.into_iter().map(|c| c.site).collect()
            };
            let sites: Vec<_> =
                inventory.sites.keys().filter(|site| !enrolled.contains(*site)).collect();
            let path = output.as_deref().unwrap_or(Path::new("-"));
            let failed = |source| CommandError::Output { path: path.to_owned(), source };
            // Before the codes: where the list cannot be written, those on paper stay good.
            let file = output.as_deref().map(create).transpose().map_err(failed)?;
            let codes = invite(config, pin, &sites, &mut connection, expires_at, now)?;
            match file {
                Some(mut file) => {
                    write_list(&mut file, &codes, &inventory, expires_at)
                        .and_then(|()| file.sync_all())
                        .map_err(failed)?;
                }
                None => write_list(out, &codes, &inventory, expires_at).map_err(failed)?,
            }
            let _ = aside.write_all(for_all(codes.len(), enrolled.len(), language).as_bytes());
        }
    }
    Ok(())
}

fn invite(
    config: &Config,
    pin: [u8; PIN_BYTES],
    sites: &[&SiteId],
    connection: &mut Connection,
    expires_at: UnixMillis,
    now: UnixMillis,
) -> Result<Vec<Invited>, CommandError> {
    // A configuration has at least one name.
    let host = config.agents.names.first().map(HostName::in_authority).unwrap_or_default();
    let port = config.agents.listen.port();
    let mut invited = Vec::with_capacity(sites.len());
    let mut hashes = Vec::with_capacity(sites.len());
    for site in sites {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        hashes.push(((*site).clone(), sha256_hex(&secret)));
        let code = Code { host: host.clone(), port, secret, pin }.to_string();
        invited.push(Invited { site: (*site).clone(), code });
    }
    credentials::add_codes(connection, &hashes, expires_at, now)?;
    Ok(invited)
}

fn unknown(site: &SiteId, inventory: &Inventory) -> CommandError {
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

fn write_list(
    to: &mut impl Write,
    codes: &[Invited],
    inventory: &Inventory,
    expires_at: UnixMillis,
) -> io::Result<()> {
    to.write_all(BYTE_ORDER_MARK)?;
    let mut list = csv::WriterBuilder::new()
        .delimiter(SEPARATOR)
        .terminator(csv::Terminator::CRLF)
        .from_writer(to);
    list.write_record(["site", "name", "area", "level", "code", "expires"])?;
    let expires = moment(expires_at);
    for Invited { site, code } in codes {
        let Some(expected) = inventory.sites.get(site) else { continue };
        let area = expected.area.as_ref().and_then(|area| inventory.areas.get(area));
        let area = area.map_or("", |area| area.name.as_str());
        list.write_record([site.as_str(), &expected.name, area, &expected.level, code, &expires])?;
    }
    list.flush()
}

/// As people read it, in this machine's time: `2026-11-29 08:00 +07`.
fn moment(at: UnixMillis) -> String {
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
