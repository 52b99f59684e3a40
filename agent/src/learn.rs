//! `learn`: what this room has is looked at once, shown to the technician, and with his word
//! becomes what it is expected to have.

mod insertion;
mod proposal;

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::{fs, path::PathBuf};

use wire::Language;

use crate::config::{self, Config};
use crate::platform::{self, Sound};
use crate::style::Style;
use proposal::{Found, Line};

/// Looks, shows, asks, writes; `confirmed` by the command line already. False where nothing was
/// written that should have been.
#[must_use]
pub fn command(path: &Path, config: &Config, confirmed: bool, language: Language) -> bool {
    let style = Style::of_stdout();
    let lines = proposal::lines(&look(), &config.tasks);
    if lines.is_empty() {
        println!("{}", nothing_new(language));
        return true;
    }
    println!("{}", style.strong(found(language)));
    for line in &lines {
        println!("  {line}");
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    let Some(changed) = good(path, &text, &lines) else {
        println!("{}", by_hand(path, language));
        return false;
    };
    if !(confirmed || confirm(path, language)) {
        println!("{}", language.pick("Không ghi gì.", "Nothing was written."));
        return true;
    }
    match write(path, &changed) {
        Ok(()) => {
            println!("{}", written(path, language));
            true
        }
        Err(error) => {
            eprintln!("{}", not_written(path, &error, language));
            false
        }
    }
}

fn look() -> Found {
    Found {
        // Where nobody tells there is nothing that could be expected.
        cameras: platform::cameras().unwrap_or_default(),
        microphones: platform::sound_devices(Sound::In).unwrap_or_default(),
        speakers: platform::sound_devices(Sound::Out).unwrap_or_default(),
        displays: platform::displays().unwrap_or_default(),
    }
}

/// The configuration with these lines, if it is a good one.
fn good(path: &Path, text: &str, lines: &[Line]) -> Option<String> {
    let changed = insertion::inserted(text, lines)?;
    config::parse(path, &changed).ok().map(|_| changed)
}

fn confirm(path: &Path, language: Language) -> bool {
    let shown = path.display();
    print!(
        "{} ",
        language.pick(
            format!("Phòng họp có đúng những thiết bị này không? Ghi vào {shown}? [c/K]"),
            format!("Is this what the room has? Write it into {shown}? [y/N]"),
        )
    );
    let _ = io::stdout().flush();
    let mut answer = String::new();
    // An end of input is a no.
    let _ = io::stdin().lock().read_line(&mut answer);
    matches!(answer.trim().to_lowercase().as_str(), "c" | "có" | "co" | "y" | "yes")
}

/// Whole or not at all: a power cut must not leave half a configuration.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        platform::config_directory(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = fs::File::create(&beside)?;
    if let Ok(before) = fs::metadata(path) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn found(language: Language) -> &'static str {
    language
        .pick("Thấy các thiết bị sau, chưa có trong cấu hình:", "Found, and not configured yet:")
}

fn nothing_new(language: Language) -> &'static str {
    language.pick(
        "Không thấy thiết bị nào ngoài những gì đã có trong cấu hình.",
        "Nothing was found beyond what is configured already.",
    )
}

fn by_hand(path: &Path, language: Language) -> String {
    let shown = path.display();
    language.pick(
        format!("Không tự chèn được vào {shown}: hãy chép các dòng trên vào dưới mục probes."),
        format!("They cannot be put into {shown} by program: copy these lines below its probes."),
    )
}

fn written(path: &Path, language: Language) -> String {
    let shown = path.display();
    language.pick(
        format!(
            "Đã ghi vào {shown}. Khởi động lại dịch vụ để áp dụng; xem ngay: nhipcau-agent once"
        ),
        format!(
            "Written into {shown}. Restart the service to use it; see it now: nhipcau-agent once"
        ),
    )
}

fn not_written(path: &Path, error: &io::Error, language: Language) -> String {
    let shown = path.display();
    language.pick(
        format!("Không ghi được {shown}: {error}; hãy chạy lại với quyền quản trị"),
        format!("{shown} cannot be written: {error}; run this again as administrator"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_whole_and_keeps_its_rights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/agent.yaml");
        write(&path, "report_every: 30s\n").unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        write(&path, "report_every: 20s\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "report_every: 20s\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_good_configuration_is_offered() {
        let line = |text: &str| Line { name: "camera".to_owned(), probe: text.to_owned() };
        let path = Path::new("agent.yaml");
        assert!(good(path, "", &[line("{ camera: {} }")]).is_some());
        assert!(good(path, "", &[line("{ camera: { nmae: x } }")]).is_none());
        assert!(good(path, "probes: { pc: { host: {} } }\n", &[line("{ camera: {} }")]).is_none());
    }
}
