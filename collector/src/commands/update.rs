//! `update`: makes keys and signs away from the collector; offers, stops and tells at it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wire::Language;
use wire::update::{MANIFEST_BYTES, Manifest, PROGRAM_BYTES, sealed, stamp};

use super::user::actor;
use super::{CommandError, local};
use crate::config::Config;
use crate::store::updates::{self as kept, Head};
use crate::updates::desk::{STOPPED, WITHDRAWN};
use crate::updates::{self, Release, ReleaseFault, Stage};
use crate::{StartError, now, store};

mod key;

pub use key::KeyError;

/// Behind a program's name: its manifest.
const SUFFIX: &str = "update";

/// Why an update could not be signed or offered.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum UpdateError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{}: is no nhipcau-agent: no version stands in it", .0.display())]
    NoAgent(PathBuf),
    #[error("{}: has {size} bytes; a program has at most {PROGRAM_BYTES}", path.display())]
    Size { path: PathBuf, size: u64 },
    #[error("{}: is not the program that was signed; sign it again", .0.display())]
    Another(PathBuf),
    #[error("the manifests cannot be offered: {0}")]
    Release(ReleaseFault),
    #[error("collector.yaml names no key that updates are signed with, or switches them off")]
    Off,
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
}

impl UpdateError {
    pub(super) fn told(&self, language: Language) -> String {
        if language == Language::En {
            return self.to_string();
        }
        match self {
            Self::Key(error) => error.told(),
            Self::NoAgent(path) => {
                format!(
                    "{}: không phải nhipcau-agent: trong tệp không có phiên bản",
                    path.display()
                )
            }
            Self::Another(path) => {
                format!("{}: không phải chương trình đã ký; hãy ký lại", path.display())
            }
            Self::Release(fault) => format!("không đưa ra được: {fault}"),
            Self::Off => {
                "collector.yaml chưa có khóa nào để kiểm chữ ký (updates.keys), hoặc đã tắt \
                          cập nhật (updates.enabled)"
                    .to_owned()
            }
            Self::Size { .. } | Self::File { .. } => self.to_string(),
        }
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> UpdateError {
    let path = path.to_owned();
    move |error| UpdateError::File { path, error }
}

/// Makes a key pair: the private half into `file`, the public one to be printed.
pub fn update_key(file: &Path, language: Language) -> Result<String, CommandError> {
    let public = key::make(file).map_err(UpdateError::from)?;
    let path = file.display();
    Ok(language.pick(
        format!(
            "{public}\n\nKhóa bí mật nằm trong {path}: giữ ngoài mạng, ở hai nơi; ai có nó ký được mọi bản cập nhật.\n\
             Dòng trên là khóa công khai: ghi vào updates.keys của collector.yaml và của agent.yaml trên mọi máy.\n"
        ),
        format!(
            "{public}\n\nThe private key is in {path}: keep it off the network, in two places; whoever has it can sign any update.\n\
             The line above is the public key: write it into updates.keys of collector.yaml and of each PC's agent.yaml.\n"
        ),
    ))
}

/// Signs programs: a manifest goes beside each.
pub fn update_sign(
    file: &Path,
    (programs, downgrade): (&[PathBuf], bool),
    language: Language,
) -> Result<String, CommandError> {
    let pair = key::read(file).map_err(UpdateError::from)?;
    let mut told = String::new();
    for program in programs {
        let manifest = describe(program, downgrade)?;
        let signature = key::sign(&pair, manifest.text().as_bytes()).map_err(UpdateError::from)?;
        let path = beside(program);
        fs::write(&path, sealed(&manifest, &signature)).map_err(failed(&path))?;
        let Manifest { version, platform, .. } = &manifest;
        let path = path.display();
        let _ = writeln!(
            told,
            "{}",
            language.pick(
                format!("{path}: đã ký phiên bản {version} cho {platform}"),
                format!("{path}: version {version} for {platform} is signed"),
            )
        );
    }
    Ok(told)
}

fn describe(path: &Path, downgrade: bool) -> Result<Manifest, UpdateError> {
    let size = fs::metadata(path).map_err(failed(path))?.len();
    if size > PROGRAM_BYTES {
        return Err(UpdateError::Size { path: path.to_owned(), size });
    }
    let program = fs::read(path).map_err(failed(path))?;
    let (version, platform) =
        stamp::find(&program).ok_or_else(|| UpdateError::NoAgent(path.to_owned()))?;
    Ok(Manifest {
        version,
        platform: platform.into(),
        size: program.len() as u64,
        sha256: Sha256::digest(&program).into(),
        signed_at: now(),
        downgrade,
    })
}

fn beside(program: &Path) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(".");
    name.push(SUFFIX);
    name.into()
}

/// Offers signed programs, in the place of what was offered before.
pub fn update_offer(
    config: &Config,
    programs: &[PathBuf],
    language: Language,
) -> Result<String, CommandError> {
    if !config.updates.are_on() {
        return Err(UpdateError::Off.into());
    }
    let mut texts = Vec::new();
    for program in programs {
        let path = beside(program);
        let size = fs::metadata(&path).map_err(failed(&path))?.len();
        if size > MANIFEST_BYTES as u64 {
            return Err(UpdateError::Size { path, size }.into());
        }
        texts.push(fs::read_to_string(&path).map_err(failed(&path))?);
    }
    let release = Release::of(&texts, &config.updates.keys).map_err(UpdateError::Release)?;
    // Before anything is copied, or half of an offer would lie about.
    for (program, text) in programs.iter().zip(&texts) {
        let signed = release.offers.values().find(|offer| *offer.text == **text);
        let found = describe(program, false)?;
        if signed.is_none_or(|signed| signed.manifest.sha256 != found.sha256) {
            return Err(UpdateError::Another(program.clone()).into());
        }
    }
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    let mut manifests = Vec::new();
    for (program, text) in programs.iter().zip(texts) {
        let id = wire::update::id(&text);
        copy(program, &updates::program(&config.state_dir, &id))?;
        manifests.push((id, text));
    }
    let version = release.version.to_string();
    kept::offer(&connection, (&version, &manifests, Stage::Trial.name()), &actor(), now())?;
    forget_all_but(&config.state_dir, &manifests);
    let sites = config.updates.stages.sites;
    let platforms = release.offers.keys().map(|name| &**name).collect::<Vec<_>>().join(", ");
    Ok(language.pick(
        format!(
            "Phiên bản {version} ({platforms}) đã được đưa ra: trước hết cho {sites} điểm cầu, không điểm cầu nào trong vòng hai giờ trước cuộc họp.\n\
             Xem: nhipcau-collector update status; dừng: nhipcau-collector update stop\n"
        ),
        format!(
            "Version {version} ({platforms}) is offered: to {sites} sites first, to none within two hours of its meeting.\n\
             Look: nhipcau-collector update status; stop: nhipcau-collector update stop\n"
        ),
    ))
}

/// Whole or not at all; a program that lies there already is the same one.
fn copy(from: &Path, to: &Path) -> Result<(), UpdateError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let new = to.with_extension("new");
    let copied = || -> io::Result<()> {
        let mut file = fs::File::create(&new)?;
        file.write_all(&fs::read(from)?)?;
        file.sync_all()?;
        fs::rename(&new, to)
    };
    copied().map_err(failed(to))
}

/// Programs of earlier releases are offered to nobody any more.
fn forget_all_but(state_dir: &Path, manifests: &[(Box<str>, String)]) {
    let folder = updates::program(state_dir, "");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !manifests.iter().any(|(id, _)| name.to_str() == Some(&**id))
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, ?name, "an earlier program could not be removed");
        }
    }
}

/// Stops what is given out. Where it runs it stays.
pub fn update_stop(config: &Config, language: Language) -> Result<String, CommandError> {
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    let over = [STOPPED, WITHDRAWN];
    let stopped = kept::stop(&connection, (STOPPED, &over), &actor(), now())?;
    let (vi, en) = if stopped {
        (
            "Đã dừng; máy nào đã cập nhật thì giữ phiên bản mới.\n",
            "Stopped; PCs that have it already keep it.\n",
        )
    } else {
        ("Không có bản cập nhật nào đang được đưa ra.\n", "No update is being given out.\n")
    };
    Ok(language.pick(vi, en).to_owned())
}

/// Where the release stands.
pub fn update_status(config: &Config, language: Language) -> Result<String, CommandError> {
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    let Some(head) = kept::head(&connection)? else {
        let (vi, en) = ("Chưa có bản cập nhật nào.\n", "There is no update.\n");
        return Ok(language.pick(vi, en).to_owned());
    };
    let chosen = kept::chosen(&connection, head.id)?.len();
    let mut told = told(&head, chosen, language);
    if !config.updates.are_on() {
        let (vi, en) = (
            "Cập nhật đang tắt trong collector.yaml: không điểm cầu nào được đưa.\n",
            "Updates are off in collector.yaml: no site is offered any.\n",
        );
        told += language.pick(vi, en);
    }
    Ok(told)
}

fn told(
    Head { version, at, phase, reason, .. }: &Head,
    chosen: usize,
    language: Language,
) -> String {
    let at = local(*at);
    let (vi, en) = match phase.as_str() {
        STOPPED => ("đã dừng".to_owned(), "stopped".to_owned()),
        WITHDRAWN => (format!("đã tự rút lại: {reason}"), format!("withdrawn: {reason}")),
        "trial" => ("đang thử ở vài điểm cầu".to_owned(), "on trial at a few sites".to_owned()),
        "share" => ("đang đưa tới một phần".to_owned(), "going to a share of all".to_owned()),
        _ => ("đang đưa tới tất cả".to_owned(), "going to all".to_owned()),
    };
    language.pick(
        format!("Phiên bản {version}, đưa ra lúc {at}: {vi}. Đã đưa tới {chosen} điểm cầu.\n"),
        format!("Version {version}, offered at {at}: {en}. Offered to {chosen} sites so far.\n"),
    )
}

#[cfg(test)]
mod tests;
