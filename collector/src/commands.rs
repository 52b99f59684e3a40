//! What an operator types besides `run`: `check`, `enroll`, `bundle`, `revoke`, `report`, `user`,
//! `update`, `audit`.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use wire::{Language, SiteId, UnixMillis};

use crate::auth::Tokens;
use crate::authority::Authority;
use crate::config::Config;
use crate::inventory::Inventory;
use crate::meetings::files;
use crate::profiles::Profiles;
use crate::store::{self, credentials};
use crate::users::{UserName, Weakness};
use crate::{StartError, absences, inventory, now, polling, profiles};

mod agenda;
mod audit;
mod bundle;
mod enroll;
mod fleet;
mod password;
mod report;
mod update;
mod user;

pub use audit::{Since, log};
pub use bundle::{Bundle, bundle};
pub use enroll::{Invitation, Which, enroll};
pub use fleet::{assign, enroll_fleet, waiting};
pub use password::PasswordError;
pub use report::{Subject, report};
pub use update::{
    KeyError, UpdateError, update_key, update_offer, update_sign, update_status, update_stop,
};
pub use user::{UserWish, user};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// What `run` would say too.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The inventory does not have it.
    #[error("the inventory has no site {site}")]
    UnknownSite {
        /// The id that was asked for.
        site: SiteId,
        /// The id that may have been meant.
        nearest: Option<String>,
    },
    /// There is neither credential nor code.
    #[error("site {0} is not enrolled")]
    NotEnrolled(SiteId),
    /// There is no such waiting agent.
    #[error("nobody waits under the number {0}")]
    NobodyWaits(i64),
    /// The site has a PC already.
    #[error("site {0} has a PC already; --replace has the other one take over")]
    SiteTaken(SiteId),
    /// There is no roll call of it.
    #[error("there is no roll call of meeting {meeting}")]
    UnknownMeeting {
        /// The id that was asked for.
        meeting: String,
        /// The id that may have been meant.
        nearest: Option<String>,
    },
    /// The codes or the report could not be written.
    #[error("{}: {source}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is a user of this name.
    #[error("there is a user {0} already")]
    UserExists(UserName),
    /// There is no user of this name.
    #[error("there is no user {0}")]
    NoSuchUser(UserName),
    /// Nobody typed a password.
    #[error("no password: {0}")]
    Password(#[from] PasswordError),
    /// The password would be guessed.
    #[error("the password is too weak: {0:?}")]
    WeakPassword(Weakness),
    /// The password could not be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// An update could not be signed or offered.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The system gave no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl From<rusqlite::Error> for CommandError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Start(error.into())
    }
}

impl CommandError {
    /// For the person at the terminal.
    #[must_use]
    pub fn told(&self, language: Language) -> String {
        match (self, language) {
            (Self::UnknownSite { site, nearest: Some(nearest) }, Language::Vi) => {
                format!("danh mục không có điểm cầu {site}; có phải là {nearest} không?")
            }
            (Self::UnknownSite { site, nearest: Some(nearest) }, Language::En) => {
                format!("the inventory has no site {site}; did you mean {nearest}?")
            }
            (Self::UnknownSite { site, nearest: None }, Language::Vi) => {
                format!("danh mục không có điểm cầu {site}; hãy thêm vào danh mục trước")
            }
            (Self::UnknownSite { site, nearest: None }, Language::En) => {
                format!("the inventory has no site {site}; add it there first")
            }
            (Self::UnknownMeeting { meeting, nearest }, language) => {
                let nearest = nearest.as_ref().map_or_else(String::new, |nearest| {
                    language.pick(
                        format!("; có phải là {nearest} không?"),
                        format!("; did you mean {nearest}?"),
                    )
                });
                let vi = format!("chưa có điểm danh nào của cuộc họp {meeting}{nearest}");
                language.pick(vi, format!("there is no roll call of meeting {meeting}{nearest}"))
            }
            (Self::NobodyWaits(id), Language::Vi) => {
                format!("không có máy nào chờ với số {id}; xem: nhipcau-collector waiting")
            }
            (Self::SiteTaken(site), Language::Vi) => {
                format!("điểm cầu {site} đã có máy; thêm --replace nếu máy này thay cho máy cũ")
            }
            (Self::NotEnrolled(site), Language::Vi) => {
                format!("điểm cầu {site} chưa ghi danh và không có mã nào, không có gì để thu hồi")
            }
            (Self::NotEnrolled(site), Language::En) => {
                format!("site {site} is not enrolled and has no code; there is nothing to revoke")
            }
            (Self::Output { path, source }, language)
                if source.kind() == io::ErrorKind::AlreadyExists =>
            {
                let path = path.display();
                language.pick(
                    format!("{path}: tệp đã có; hãy chọn tên khác"),
                    format!("{path}: is there already; choose another name"),
                )
            }
            (Self::UserExists(name), _) => language.pick(
                format!("đã có người dùng {name}; đổi quyền bằng: user role, đổi mật khẩu bằng: user password"),
                format!("there is a user {name} already; change it with: user role, user password"),
            ),
            (Self::NoSuchUser(name), _) => language.pick(
                format!("không có người dùng {name}; xem danh sách bằng: user list"),
                format!("there is no user {name}; see them all with: user list"),
            ),
            (Self::WeakPassword(weakness), _) => user::told(*weakness, language),
            (Self::Update(error), language) => error.told(language),
            (Self::Password(PasswordError::Different), Language::Vi) => {
                "hai lần nhập mật khẩu không giống nhau; chưa thay đổi gì".to_owned()
            }
            (Self::Password(PasswordError::Interrupted), Language::Vi) => {
                "đã dừng; chưa thay đổi gì".to_owned()
            }
            _ => self.to_string(),
        }
    }
}

/// A moment as it was on the clocks in Vietnam.
fn local(at: UnixMillis) -> String {
    let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh");
    let zone = zone.unwrap_or(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)));
    let moment = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::MIN);
    moment.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Reads all that `run` would read, changes nothing, and says what it found.
pub fn check(config: &Config, language: Language) -> Result<String, CommandError> {
    let inventory = inventory::load(&config.inventory).map_err(StartError::Inventory)?;
    let (fetched, away) = fetched(config);
    let calendar = files::load_with(config.meetings.as_deref(), fetched);
    let calendar = calendar.map_err(StartError::Calendar)?;
    let has_calendar = config.meetings.is_some() || !config.meeting_urls.is_empty();
    if let Some(path) = &config.absences {
        absences::load(path).map_err(StartError::Calendar)?;
    }
    let profiles = config.profiles.as_deref().map(profiles::load).transpose();
    let profiles = profiles.map_err(StartError::Calendar)?;
    Tokens::read(&config.operations).map_err(StartError::from)?;
    // An authority of our own is made by `run`, not by a look.
    if config.agents.own_certificate().is_some() {
        let agents = std::sync::Arc::new(Authority::of_agents(config, now())?);
        Authority::of_operations(config, &agents, now())?;
    } else if let Some(files) = config.operations.own_certificate() {
        Authority::own(&files, &[], now())
            .map_err(|source| StartError::Certificate { key: "operations", source })?;
    }
    let (sites, areas) = (inventory.sites.len(), inventory.areas.len());
    let (agents, operations) = (config.agents.listen, config.operations.listen);
    let scheme = if config.operations.has_tls() { "https" } else { "http" };
    let told = || agenda::told(&calendar, &away, &inventory, now(), language);
    let agenda = has_calendar.then(told);
    let good = language.pick(
        format!(
            "Cấu hình hợp lệ. Điểm cầu: {sites}; địa bàn: {areas}.\n\
             Máy trạm kết nối đến {agents}; Prometheus đọc {scheme}://{operations}/metrics.\n"
        ),
        format!(
            "The configuration is good. Sites: {sites}; areas: {areas}.\n\
             Agents connect to {agents}; Prometheus reads {scheme}://{operations}/metrics.\n"
        ),
    );
    let profiles = profiles.map(|profiles| told_of(&profiles, &inventory, language));
    Ok(good + &profiles.unwrap_or_default() + &agenda.unwrap_or_default())
}

/// How many different profiles there are, and what in them matches nothing.
fn told_of(profiles: &Profiles, inventory: &Inventory, language: Language) -> String {
    let documents = profiles.documents(inventory);
    let different: BTreeSet<&str> = documents.of.values().map(|text| &*text.etag).collect();
    let (sites, different) = (documents.of.len(), different.len());
    let mut told = language.pick(
        format!("Hồ sơ đo: {different} loại cho {sites} điểm cầu.\n"),
        format!("Profiles: {different} different ones for {sites} sites.\n"),
    );
    for name in &documents.unmatched {
        told += &language.pick(
            format!("    chưa rõ: “{name}” không khớp điểm cầu, địa bàn hay cấp nào, hoặc khớp nhiều hơn một\n"),
            format!("    unclear: “{name}” matches no site, area or level, or more than one\n"),
        );
    }
    told
}

/// Calendars at web addresses. One whose server is away is no fault of the configuration.
fn fetched(config: &Config) -> polling::Found {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) if !config.meeting_urls.is_empty() => {
            runtime.block_on(polling::look(&config.meeting_urls))
        }
        _ => polling::Found::default(),
    }
}

/// Takes a site's credential and unused codes away; a running collector notices within a second.
pub fn revoke(config: &Config, site: &SiteId, language: Language) -> Result<String, CommandError> {
    let mut connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    if !credentials::revoke(&mut connection, site, &user::actor(), now())? {
        return Err(CommandError::NotEnrolled(site.clone()));
    }
    Ok(language.pick(
        format!(
            "Đã thu hồi quyền gửi bản tin của điểm cầu {site}. Muốn dùng lại, hãy cấp mã mới.\n"
        ),
        format!("Site {site} may no longer report. To use it again, give it a new code.\n"),
    ))
}

#[cfg(test)]
mod tests;
