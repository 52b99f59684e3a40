//! The first `agent.yaml` of a PC. One that exists is the person's and is not touched.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use wire::Language;

use crate::platform;

/// Writes a first configuration at `path` unless there is one.
pub(super) fn begin(path: &Path, state_dir: &Path, language: Language) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        platform::config_directory(directory)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text(state_dir, language).as_bytes())?;
    file.sync_all()
}

fn text(state_dir: &Path, language: Language) -> String {
    let (head, probes) = language.pick(
        (
            "# Cấu hình agent Nhịp Cầu của điểm cầu này; mọi khóa đều có giá trị mặc định.\n\
             # Sửa xong hãy kiểm tra: nhipcau-agent check\n",
            "# Danh sách phép đo này thay cho mặc định (host, power, link, clock).\n\
             # Bỏ dấu # ở đầu dòng, sửa địa chỉ, rồi khởi động lại dịch vụ.\n",
        ),
        (
            "# Configuration of this site's Nhịp Cầu agent; every key has a default.\n\
             # After a change: nhipcau-agent check\n",
            "# This list of probes replaces the default one (host, power, link, clock).\n\
             # Take away the # of these lines, set the addresses, restart the service.\n",
        ),
    );
    format!(
        "{head}\n\
         state_dir: {}\n\
         \n\
         {probes}\
         #probes:\n\
         #  host:  {{ host: {{}} }}\n\
         #  power: {{ power: {{}} }}\n\
         #  link:  {{ link: {{}} }}\n\
         #  clock: {{ clock: {{}} }}\n\
         #  mcu:   {{ every: 15s, icmp: {{ host: 10.0.0.10 }} }}\n\
         #  sip:   {{ every: 30s, sip: {{ server: 10.0.0.10 }} }}\n\
         #  camera: {{ every: 30s, camera: {{}} }}\n",
        quoted(state_dir)
    )
}

/// As a YAML text that holds any path (JSON's strings are YAML's).
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = text.starts_with('/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'));
    if plain { text.into_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config;

    #[test]
    fn the_first_configuration_is_good_also_with_its_probes() {
        for state_dir in ["/var/lib/nhipcau-agent", "/tmp/a b: #c", "C:\\ProgramData\\nhipcau"] {
            for language in [Language::Vi, Language::En] {
                let text = text(Path::new(state_dir), language);
                let config = config::parse(Path::new("agent.yaml"), &text).unwrap();
                assert_eq!(config.file.state_dir, Path::new(state_dir));
                let probes = text.replace("\n#probes", "\nprobes").replace("\n#  ", "\n  ");
                let config = config::parse(Path::new("agent.yaml"), &probes).unwrap();
                assert_eq!(config.tasks.len(), 7, "{probes}");
            }
        }
    }

    #[test]
    fn what_a_person_wrote_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("etc/agent.yaml");
        begin(&path, Path::new("/var/lib/x"), Language::Vi).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("state_dir: /var/lib/x"));
        let own = "# ghi chú của tôi\nreport_every: 30s   # thưa hơn\n";
        fs::write(&path, own).unwrap();
        begin(&path, Path::new("/var/lib/y"), Language::En).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), own);
    }
}
