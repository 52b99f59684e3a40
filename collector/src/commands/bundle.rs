//! `bundle`: what technicians carry to hundreds of sites in one evening, a folder a site, or one
//! package and a list of codes.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use wire::update::PublicKey;
use wire::{Language, SiteId};

use super::CommandError;
use super::enroll::{Desk, Invited, failed, moment, tell, write_list};
use crate::StartError;
use crate::config::Config;
use crate::inventory::{self, Inventory};

mod guide;

/// The files of a folder besides the installers. Plain letters: some USB sticks and zip programs
/// garble others.
const CODE: &str = "ma-ghi-danh.txt";
const CODES: &str = "ma-ghi-danh.csv";
const GUIDE: &str = "HUONG-DAN.txt";
const AGENT: &str = "agent.yaml";

/// Codes made in one transaction: a stop in between wastes no more than these.
const AT_ONCE: usize = 50;

/// Ids that are named one by one before only their number is told.
const NAMED: usize = 10;

/// What `agent.yaml` says where nobody gave one.
const AGENT_TEXT: &str = "# Cấu hình agent Nhịp Cầu; mọi khóa đều có giá trị mặc định.\n\
     # Sửa xong hãy kiểm tra: nhipcau-agent check\n\
     language: vi\n";

/// The minimal `agent.yaml`. Whose updates an agent takes is said here, when it is installed, and
/// not by the collector later on.
fn agent_text(keys: &[PublicKey]) -> String {
    if keys.is_empty() {
        return AGENT_TEXT.to_owned();
    }
    let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    format!(
        "{AGENT_TEXT}# Chỉ nhận bản cập nhật do các khóa này ký.\nupdates: {{ keys: [{}] }}\n",
        keys.join(", ")
    )
}

/// What `bundle` is asked for.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The directory to fill; made where it is missing.
    pub output: PathBuf,
    /// One package and a list of codes instead of a folder a site.
    pub one: bool,
    /// Installers and whatever else every technician needs.
    pub with: Vec<PathBuf>,
    /// The `agent.yaml` for all; a minimal one without.
    pub agent_config: Option<PathBuf>,
    /// Also sites that are enrolled already.
    pub again: bool,
    /// How long new codes are good.
    pub life: Duration,
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    made: usize,
    kept: usize,
    enrolled: Vec<SiteId>,
}

/// Fills the directory. Run again, it keeps every code that is still good and mends the rest;
/// progress and the outcome go to `aside`.
pub fn bundle(
    config: &Config,
    wanted: &Bundle,
    language: Language,
    aside: &mut impl Write,
) -> Result<(), CommandError> {
    let inventory = inventory::load(&config.inventory).map_err(StartError::Inventory)?;
    // Before any code: a forgotten installer would be found out at the first site.
    for file in wanted.with.iter().chain(&wanted.agent_config) {
        File::open(file).map_err(failed(Some(file)))?;
    }
    let mut desk = Desk::open(config, wanted.life)?;
    let enrolled = desk.enrolled()?;
    let mut done = Done::default();
    let sites: Vec<&SiteId> = inventory
        .sites
        .keys()
        .filter(|site| {
            let left_out = !wanted.again && enrolled.contains(*site);
            if left_out {
                done.enrolled.push((*site).clone());
            }
            !left_out
        })
        .collect();
    private_directory(&wanted.output).map_err(failed(Some(&wanted.output)))?;
    let filler = Filler { wanted, inventory: &inventory, keys: &config.updates.keys };
    if wanted.one {
        filler.one(&mut desk, &sites, &mut done)?;
    } else {
        filler.each(&mut desk, &sites, &mut done, aside)?;
    }
    tell(aside, &told(&done, &wanted.output, language));
    Ok(())
}

struct Filler<'a> {
    wanted: &'a Bundle,
    inventory: &'a Inventory,
    /// Whose updates the agents take.
    keys: &'a [PublicKey],
}

impl Filler<'_> {
    /// A folder a site.
    fn each(
        &self,
        desk: &mut Desk<'_>,
        sites: &[&SiteId],
        done: &mut Done,
        aside: &mut impl Write,
    ) -> Result<(), CommandError> {
        let mut told = 0;
        for (part, some) in sites.chunks(AT_ONCE).enumerate() {
            let code_of = |site: &SiteId| {
                let text = fs::read_to_string(self.wanted.output.join(site.as_str()).join(CODE));
                text.unwrap_or_default().trim().trim_start_matches('\u{feff}').to_owned()
            };
            for invited in codes(desk, some, code_of, done)? {
                self.folder(&invited)?;
            }
            let so_far = part * AT_ONCE + some.len();
            let tenth = so_far * 10 / sites.len().max(1);
            if tenth > told && so_far < sites.len() {
                told = tenth;
                tell(aside, &format!("{so_far}/{}\n", sites.len()));
            }
        }
        Ok(())
    }

    /// One package and a list.
    fn one(
        &self,
        desk: &mut Desk<'_>,
        sites: &[&SiteId],
        done: &mut Done,
    ) -> Result<(), CommandError> {
        let path = self.wanted.output.join(CODES);
        let before = listed(&path);
        let code_of = |site: &SiteId| before.get(site.as_str()).cloned().unwrap_or_default();
        let invited = codes(desk, sites, code_of, done)?;
        let mut list = Vec::new();
        write_list(&mut list, &invited, self.inventory).map_err(failed(Some(&path)))?;
        replace(&path, &list).map_err(failed(Some(&path)))?;
        self.common(&self.wanted.output)?;
        let guide = guide::of_all(&self.installers());
        write(&self.wanted.output, GUIDE, &guide)
    }

    fn folder(&self, invited: &Invited<'_>) -> Result<(), CommandError> {
        let folder = self.wanted.output.join(invited.site.as_str());
        private_directory(&folder).map_err(failed(Some(&folder)))?;
        self.common(&folder)?;
        let name = self.inventory.sites.get(invited.site).map_or("", |site| site.name.as_str());
        let until = moment(invited.expires_at);
        let guide = guide::of_site(invited.site, name, &invited.code, &until, &self.installers());
        write(&folder, GUIDE, &guide)?;
        // Last: a folder with a code is a whole one.
        write(&folder, CODE, &format!("{}\r\n", invited.code))
    }

    /// What every folder has.
    fn common(&self, folder: &Path) -> Result<(), CommandError> {
        let agent = match &self.wanted.agent_config {
            Some(file) => fs::read_to_string(file).map_err(failed(Some(file)))?,
            None => agent_text(self.keys),
        };
        write(folder, AGENT, &agent)?;
        for file in &self.wanted.with {
            let Some(name) = file.file_name() else { continue };
            copy(file, &folder.join(name)).map_err(failed(Some(file)))?;
        }
        Ok(())
    }

    fn installers(&self) -> Vec<String> {
        let names = self.wanted.with.iter().filter_map(|file| file.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

/// The codes of sites: those that `code_of` finds and that are still good, or new ones.
fn codes<'s>(
    desk: &mut Desk<'_>,
    sites: &[&'s SiteId],
    code_of: impl Fn(&SiteId) -> String,
    done: &mut Done,
) -> Result<Vec<Invited<'s>>, CommandError> {
    let (mut codes, mut new) = (Vec::new(), Vec::new());
    for site in sites {
        let code = code_of(site);
        match desk.good_until(site, &code)? {
            Some(expires_at) => codes.push(Invited { site, code, expires_at }),
            None => new.push(*site),
        }
    }
    done.kept += codes.len();
    done.made += new.len();
    codes.extend(desk.invite(&new)?);
    codes.sort_by_key(|invited| invited.site);
    Ok(codes)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), CommandError> {
    let path = folder.join(name);
    replace(&path, text.as_bytes()).map_err(failed(Some(&path)))
}

/// The codes of a list that was made before, by site. One that cannot be read has none.
fn listed(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(b';')
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let headers = rows.headers().cloned().unwrap_or_default();
    let place = |name| headers.iter().position(|header| header == name);
    let (Some(site), Some(code)) = (place("site"), place("code")) else { return BTreeMap::new() };
    let rows = rows.records().flatten();
    rows.filter_map(|row| Some((row.get(site)?.to_owned(), row.get(code)?.to_owned()))).collect()
}

fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file for its owner alone; a stop in between leaves the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = path.with_extension("next");
    // Of a run that was stopped; its mode may be another.
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, path)
}

/// Copies an installer unless it is there: hundreds of folders are gigabytes.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let known = |path: &Path| {
        let metadata = path.metadata()?;
        Ok::<_, io::Error>((metadata.len(), metadata.modified()?))
    };
    let (bytes, changed) = known(from)?;
    if known(to).is_ok_and(|(there, made)| there == bytes && made >= changed) {
        return Ok(());
    }
    let next = to.with_extension("next");
    fs::copy(from, &next)?;
    fs::rename(next, to)
}

fn told(done: &Done, output: &Path, language: Language) -> String {
    let Done { made, kept, enrolled } = done;
    let output = output.display();
    let mut text = language.pick(
        format!(
            "Đã ghi vào {output}: {made} mã mới, {kept} mã cũ còn dùng được giữ nguyên. Thư mục này chứa mã: chỉ giao cho người đi cài.\n"
        ),
        format!(
            "Written to {output}: {made} new codes, {kept} earlier ones that are still good were kept. There are codes in it: give it to those who install, and to nobody else.\n"
        ),
    );
    if !enrolled.is_empty() {
        let mut named: Vec<&str> = enrolled.iter().take(NAMED).map(SiteId::as_str).collect();
        if enrolled.len() > NAMED {
            named.push("…");
        }
        let (count, named) = (enrolled.len(), named.join(", "));
        text += &language.pick(
            format!("Đã ghi danh từ trước, để nguyên (thêm --again để làm lại): {count} điểm cầu: {named}\n"),
            format!("Enrolled already and left alone (--again includes them): {count} sites: {named}\n"),
        );
    }
    text
}

#[cfg(test)]
mod tests;
