//! `enroll --fleet`, `waiting`, `assign`: one code for all, and a site for each that used it.

use std::fmt::Write as _;

use wire::{Language, SiteId, UnixMillis};

use super::CommandError;
use super::enroll::{Desk, moment, tell, unknown};
use super::user::actor;
use crate::config::Config;
use crate::store::waiting::{self, AssignError, Waiting};
use crate::{StartError, inventory, now, store};

/// Makes the fleet's code; it goes to `out`, what people should know besides to `aside`.
pub fn enroll_fleet(
    config: &Config,
    (life, uses): (std::time::Duration, u32),
    language: Language,
    out: &mut impl std::io::Write,
    aside: &mut impl std::io::Write,
) -> Result<(), CommandError> {
    let desk = Desk::open(config, life)?;
    let (code, expires_at) = desk.fleet_code(uses)?;
    writeln!(out, "{code}").map_err(super::enroll::failed(None))?;
    tell(aside, &told_code(uses, expires_at, language));
    Ok(())
}

/// Everybody who waits, for the terminal.
pub fn waiting(config: &Config, language: Language) -> Result<String, CommandError> {
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    Ok(list(&waiting::all(&connection)?, now(), language))
}

/// Makes a waiting agent a site.
pub fn assign(
    config: &Config,
    (id, site, replace): (i64, &SiteId, bool),
    language: Language,
) -> Result<String, CommandError> {
    let inventory = inventory::load(&config.inventory).map_err(StartError::Inventory)?;
    let Some(expected) = inventory.sites.get(site) else { return Err(unknown(site, &inventory)) };
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    waiting::assign(&connection, (id, site, replace), &actor(), now()).map_err(
        |error| match error {
            AssignError::Unknown(id) => CommandError::NobodyWaits(id),
            AssignError::Taken(site) => CommandError::SiteTaken(site),
            AssignError::Store(error) => error.into(),
        },
    )?;
    let name = &expected.name;
    Ok(language.pick(
        format!("Máy số {id} từ nay là điểm cầu {site} ({name}); máy tự nhận ra trong ít phút.\n"),
        format!(
            "Number {id} is site {site} ({name}) from now on; the PC learns it within minutes.\n"
        ),
    ))
}

fn told_code(uses: u32, expires_at: UnixMillis, language: Language) -> String {
    let expires = moment(expires_at);
    language.pick(
        format!(
            "Mã chung cho cả hệ thống: dùng được cho {uses} máy, hết hạn lúc {expires}; mã chung cấp trước đó không còn hiệu lực.\n\
             Máy dùng mã này sẽ chờ cho đến khi khớp với một điểm cầu (theo tên máy hoặc dải mạng trong danh mục),\n\
             hoặc được gán bằng tay: nhipcau-collector waiting, nhipcau-collector assign SỐ ĐIỂM_CẦU\n"
        ),
        format!(
            "One code for the whole fleet: good for {uses} PCs until {expires}; earlier ones of its kind are no longer good.\n\
             A PC that uses it waits until it matches a site (by its name, or by the inventory's subnets),\n\
             or is assigned by hand: nhipcau-collector waiting, nhipcau-collector assign NUMBER SITE\n"
        ),
    )
}

fn list(waiting: &[Waiting], now: UnixMillis, language: Language) -> String {
    if waiting.is_empty() {
        return language.pick("Không có máy nào đang chờ.\n", "Nobody waits.\n").to_owned();
    }
    let mut text = String::new();
    for one in waiting {
        let Waiting { id, hostname, os, address, addresses, heard_at, asked_at, .. } = one;
        let minutes = now.saturating_sub(*heard_at) / 60_000;
        let since = moment(*asked_at);
        let _ = writeln!(
            text,
            "{}",
            language.pick(
                format!("{id:>4}  {hostname}  {address} [{addresses}]  {os}  chờ từ {since}, hỏi lại {minutes} phút trước"),
                format!("{id:>4}  {hostname}  {address} [{addresses}]  {os}  waits since {since}, asked {minutes} minutes ago"),
            )
        );
    }
    text + &language.pick(
        "Gán: nhipcau-collector assign SỐ ĐIỂM_CẦU\n".to_owned(),
        "Assign: nhipcau-collector assign NUMBER SITE\n".to_owned(),
    )
}
