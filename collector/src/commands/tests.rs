use std::fs;
use std::path::Path;
use std::time::Duration;

use wire::enrolment::Code;

use super::*;
use crate::store::credentials::Redemption;

struct Desk {
    directory: tempfile::TempDir,
    config: Config,
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("collector.yaml");
        let text =
            "state_dir: state\ninventory: sites.yaml\nagents: { names: ['fd00::1', a.vn] }\n";
        fs::write(&file, text).unwrap();
        let inventory = "areas: [{ id: hoang-hoa, name: \"Hoằng Hóa\" }]\nsites:\n  \
            - { id: th-0316, name: \"UBND xã Hoằng Lộc; cũ\", level: commune, area: hoang-hoa }\n  \
            - { id: th-0317, name: \"UBND xã Hoằng Quỳ\", level: commune }\n";
        fs::write(directory.path().join("sites.yaml"), inventory).unwrap();
        let config = Config::read(&file).unwrap();
        Self { directory, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn enroll(&self, which: Which) -> Result<(String, String), CommandError> {
        let (mut out, mut aside) = (Vec::new(), Vec::new());
        let invitation = Invitation { which, life: Duration::from_hours(24) };
        enroll(&self.config, &invitation, Language::Vi, &mut out, &mut aside)?;
        Ok((String::from_utf8(out).unwrap(), String::from_utf8(aside).unwrap()))
    }

    fn redeem(&self, code: &Code) {
        let redemption = Redemption {
            secret_sha256: wire::enrolment::sha256_hex(&code.secret),
            credential_sha256: "c".repeat(64),
            hostname: String::new(),
            applicant: credentials::Applicant::default(),
            matched: None,
        };
        let mut connection = store::open(&self.config.state_dir).unwrap();
        credentials::redeem(&mut connection, &redemption, now()).unwrap();
    }
}

fn all(again: bool, output: Option<PathBuf>) -> Which {
    Which::All { again, output }
}

fn one(site: &str) -> Which {
    Which::One(site.parse().unwrap())
}

#[test]
fn one_site_gets_its_code_alone_on_standard_output() {
    let desk = Desk::new();
    let (out, aside) = desk.enroll(one("th-0316")).unwrap();
    let code: Code = out.strip_suffix('\n').unwrap().parse().unwrap();
    assert_eq!((code.host.as_str(), code.port), ("[fd00::1]", 8443));
    assert!(aside.contains("UBND xã Hoằng Lộc"), "{aside}");
    desk.redeem(&code);
}

#[test]
fn a_slip_in_the_id_is_pointed_at() {
    let desk = Desk::new();
    let error = desk.enroll(one("th-316")).unwrap_err();
    assert_eq!(
        error.told(Language::Vi),
        "danh mục không có điểm cầu th-316; có phải là th-0316 không?"
    );
    let error = desk.enroll(one("elsewhere")).unwrap_err();
    assert!(error.told(Language::En).contains("add it there first"));
    assert!(!desk.path("state").exists(), "nothing was made for nothing");
}

#[test]
fn the_list_opens_in_excel_of_a_vietnamese_windows() {
    let desk = Desk::new();
    let path = desk.path("codes.csv");
    let (out, aside) = desk.enroll(all(false, Some(path.clone()))).unwrap();
    assert!(out.is_empty() && aside.contains("2 mã"), "{aside}");
    let list = fs::read_to_string(&path).unwrap();
    let rows: Vec<&str> = list.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    assert_eq!(rows[0], "\u{feff}site;name;area;level;code;expires");
    assert!(rows[1].starts_with("th-0316;\"UBND xã Hoằng Lộc; cũ\";Hoằng Hóa;commune;[fd00::1]"));
    assert!(rows[2].starts_with("th-0317;UBND xã Hoằng Quỳ;;commune;"), "{}", rows[2]);
    assert!(rows[2].ends_with("+07:00"), "{}", rows[2]);
    assert!(is_private(&path));
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o777 == 0o600
}

#[test]
fn a_list_that_is_there_is_not_overwritten_and_its_codes_stay_good() {
    let desk = Desk::new();
    let (out, _) = desk.enroll(one("th-0316")).unwrap();
    let path = desk.path("codes.csv");
    fs::write(&path, "kept").unwrap();
    let error = desk.enroll(all(false, Some(path.clone()))).unwrap_err();
    assert!(error.told(Language::Vi).contains("tệp đã có"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    desk.redeem(&out.trim().parse().unwrap());
}

#[test]
fn the_list_leaves_out_who_is_enrolled_unless_asked() {
    let desk = Desk::new();
    desk.redeem(&desk.enroll(one("th-0316")).unwrap().0.trim().parse().unwrap());
    let (list, _) = desk.enroll(all(false, None)).unwrap();
    assert!(!list.contains("th-0316") && list.contains("th-0317"), "{list}");
    let (list, _) = desk.enroll(all(true, None)).unwrap();
    assert!(list.contains("th-0316") && list.contains("th-0317"), "{list}");
}

#[test]
fn revoking_withdraws_codes_too_and_says_when_there_is_nothing() {
    let desk = Desk::new();
    let site = "th-0316".parse().unwrap();
    let nothing = revoke(&desk.config, &site, Language::Vi).unwrap_err();
    assert!(nothing.told(Language::Vi).contains("không có gì để thu hồi"), "{nothing}");
    desk.enroll(one("th-0316")).unwrap();
    assert!(revoke(&desk.config, &site, Language::Vi).unwrap().contains("th-0316"));
    assert!(revoke(&desk.config, &site, Language::Vi).is_err());
}

#[test]
fn who_made_a_code_or_revoked_a_site_stands_in_the_audit_log_and_no_secret_does() {
    let desk = Desk::new();
    let code = desk.enroll(one("th-0316")).unwrap().0;
    desk.redeem(&code.trim().parse().unwrap());
    desk.enroll(all(false, None)).unwrap();
    let life = Duration::from_hours(24);
    let (mut out, mut aside) = (Vec::new(), Vec::new());
    enroll_fleet(&desk.config, (life, 5), Language::Vi, &mut out, &mut aside).unwrap();
    let site = "th-0316".parse().unwrap();
    revoke(&desk.config, &site, Language::Vi).unwrap();
    revoke(&desk.config, &site, Language::Vi).unwrap_err();

    let store = store::open(&desk.config.state_dir).unwrap();
    let log = store::audit::since(&store, 0).unwrap();
    let lines: Vec<_> = log.iter().map(|one| (one.act.as_str(), one.subject.as_str())).collect();
    assert_eq!(lines[0], ("code_make", "th-0316"));
    assert!(lines.contains(&("code_make", "th-0317")), "each site of a list: {lines:?}");
    assert_eq!(lines[lines.len() - 2..], [("fleet_code_make", "fleet"), ("revoke", "th-0316")]);
    assert!(log.iter().all(|one| one.who.ends_with("($)") && one.address.is_empty()), "{log:?}");
    let revoked = log.last().unwrap();
    assert!(revoked.before.is_some() && revoked.after.is_none(), "which PC it was: {revoked:?}");
    assert!(log[0].after.as_deref().unwrap().starts_with("20"), "until when: {:?}", log[0]);
    let secret = code.trim().rsplit_once('/').unwrap().1;
    assert!(!format!("{log:?}").contains(&secret[..5]), "{log:?}");
}

#[test]
fn a_check_finds_what_run_would_find_and_changes_nothing() {
    let mut desk = Desk::new();
    let said = check(&desk.config, Language::Vi).unwrap();
    assert!(said.contains("Điểm cầu: 2") && said.contains("0.0.0.0:8443"), "{said}");
    assert!(!desk.path("state").exists());
    fs::write(desk.path("sites.yaml"), "sites: [{ id: a b }]\n").unwrap();
    let error = check(&desk.config, Language::Vi).unwrap_err();
    assert!(error.to_string().contains("sites.yaml:1:"), "{error}");
    assert!(matches!(error, CommandError::Start(start) if start.is_configuration()));
    fs::write(desk.path("sites.yaml"), "sites: [{ id: a, name: a }]\n").unwrap();
    desk.config.operations.token_file = Some(desk.path("no-token"));
    let error = check(&desk.config, Language::Vi).unwrap_err().to_string();
    assert!(error.contains("operations.token_file") && error.contains("no-token"), "{error}");
}

#[test]
fn a_report_of_a_meeting_that_nobody_knows_offers_the_nearest() {
    use crate::report::Format;
    use crate::roll_call::{Key, Moment, RollCall};

    let desk = Desk::new();
    let call = RollCall {
        key: Key { meeting: "m@2026-11-23T07:30".to_owned(), start: 0, moment: Moment::Start },
        title: "Giao ban".to_owned(),
        end: 1,
        recorded_at: 0,
        unmatched: Vec::new(),
        sites: std::collections::BTreeMap::new(),
    };
    let mut connection = store::open(&desk.config.state_dir).unwrap();
    store::roll_calls::write(&mut connection, &[call]).unwrap();
    let path = desk.path("report.html");
    let write = |id: &str, output: Option<&PathBuf>| {
        let (subject, mut out) = (Subject::Meeting(id.to_owned()), Vec::new());
        report(&desk.config, &subject, Format::Html, Language::Vi, output, &mut out).map(|()| out)
    };
    let printed = write("m@2026-11-23T07:30", None).unwrap();
    assert_eq!(write("m@2026-11-23T07:30", Some(&path)).unwrap(), b"");
    assert_eq!(fs::read(&path).unwrap().len(), printed.len());
    for near in ["m@2026-11-23T07:31", "m", "m@2026-12-01T14:00"] {
        let told = write(near, None).unwrap_err().told(Language::Vi);
        assert!(told.contains("có phải là m@2026-11-23T07:30 không?"), "{told}");
    }
    let told = write("x@y", None).unwrap_err().told(Language::En);
    assert_eq!(told, "there is no roll call of meeting x@y");
    let nowhere = desk.path("no/such/report.html");
    let told = write("m@2026-11-23T07:30", Some(&nowhere)).unwrap_err().told(Language::Vi);
    assert!(told.contains("no/such/report.html"), "{told}");
}
