use std::os::unix::fs::PermissionsExt;

use wire::enrolment::{Code, sha256_hex};

use super::*;
use crate::now;
use crate::store::{self, credentials};

struct Office {
    directory: tempfile::TempDir,
    config: Config,
}

impl Office {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("collector.yaml");
        let text = "state_dir: state\ninventory: sites.yaml\nagents: { names: [a.vn] }\n";
        fs::write(&file, text).unwrap();
        let inventory = "sites:\n  - { id: th-0316, name: \"UBND xã Hoằng Lộc\" }\n  \
                         - { id: th-0317, name: \"UBND xã Hoằng Quỳ\" }\n";
        fs::write(directory.path().join("sites.yaml"), inventory).unwrap();
        fs::write(directory.path().join("nhipcau-agent_1.0.0_amd64.deb"), "package").unwrap();
        let config = Config::read(&file).unwrap();
        Self { directory, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn wanted(&self, one: bool) -> Bundle {
        Bundle {
            output: self.path("out"),
            one,
            with: vec![self.path("nhipcau-agent_1.0.0_amd64.deb")],
            agent_config: None,
            again: false,
            life: Duration::from_hours(24),
        }
    }

    fn bundle(&self, one: bool) -> String {
        let mut aside = Vec::new();
        bundle(&self.config, &self.wanted(one), Language::Vi, &mut aside).unwrap();
        String::from_utf8(aside).unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("out").join(name)).unwrap()
    }

    fn redeem(&self, code: &str) {
        let code: Code = code.trim().parse().unwrap();
        let redemption = credentials::Redemption {
            secret_sha256: sha256_hex(&code.secret),
            credential_sha256: sha256_hex(&code.secret),
            hostname: String::new(),
            applicant: credentials::Applicant::default(),
            matched: None,
        };
        let mut connection = store::open(&self.config.state_dir).unwrap();
        credentials::redeem(&mut connection, &redemption, now()).unwrap();
    }
}

#[test]
fn a_folder_a_site_holds_all_that_a_technician_needs_and_is_nobody_elses_business() {
    let office = Office::new();
    let said = office.bundle(false);
    assert!(said.contains("2 mã mới"), "{said}");
    let code = office.read("th-0316/ma-ghi-danh.txt");
    let guide = office.read("th-0316/HUONG-DAN.txt");
    assert!(guide.starts_with('\u{feff}') && !guide.replace("\r\n", "").contains('\n'));
    for part in ["UBND xã Hoằng Lộc (th-0316)", code.trim(), "nhipcau-agent_1.0.0_amd64.deb"] {
        assert!(guide.contains(part), "{part}: {guide}");
    }
    assert!(!guide.contains(office.read("th-0317/ma-ghi-danh.txt").trim()));
    assert_eq!(office.read("th-0317/nhipcau-agent_1.0.0_amd64.deb"), "package");
    let mode =
        |name: &str| office.path("out").join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("th-0316")), (0o700, 0o700));
    assert_eq!((mode("th-0316/ma-ghi-danh.txt"), mode("th-0316/HUONG-DAN.txt")), (0o600, 0o600));
    office.redeem(&code);
}

#[test]
fn run_again_it_keeps_what_is_good_mends_the_rest_and_names_who_is_enrolled() {
    let office = Office::new();
    office.bundle(false);
    let (first, second) =
        (office.read("th-0316/ma-ghi-danh.txt"), office.read("th-0317/ma-ghi-danh.txt"));
    office.redeem(&first);
    fs::remove_file(office.path("out/th-0317/HUONG-DAN.txt")).unwrap();
    let said = office.bundle(false);
    assert!(said.contains("0 mã mới, 1 mã cũ"), "{said}");
    assert!(said.contains("1 điểm cầu: th-0316"), "{said}");
    assert_eq!(office.read("th-0317/ma-ghi-danh.txt"), second, "codes on paper stay good");
    assert!(office.read("th-0317/HUONG-DAN.txt").contains(second.trim()));
    // A half-written code, or one of another collector, is made anew.
    fs::write(office.path("out/th-0317/ma-ghi-danh.txt"), &second[..20]).unwrap();
    assert!(office.bundle(false).contains("1 mã mới"));
    let mut again = office.wanted(false);
    again.again = true;
    let mut aside = Vec::new();
    bundle(&office.config, &again, Language::En, &mut aside).unwrap();
    let said = String::from_utf8(aside).unwrap();
    assert!(said.contains("1 new codes, 1 earlier"), "{said}");
}

#[test]
fn one_package_comes_with_a_list_whose_codes_stay_good() {
    let office = Office::new();
    office.bundle(true);
    let list = office.read("ma-ghi-danh.csv");
    assert!(list.starts_with("\u{feff}site;name;area;level;code;expires\r\n"), "{list}");
    assert!(office.read("HUONG-DAN.txt").contains("enroll MÃ"));
    assert!(office.bundle(true).contains("0 mã mới, 2 mã cũ"));
    assert_eq!(office.read("ma-ghi-danh.csv"), list);
}

#[test]
fn a_forgotten_installer_is_told_before_any_code_is_made() {
    let office = Office::new();
    let mut wanted = office.wanted(false);
    wanted.with.push(office.path("missing.deb"));
    let error = bundle(&office.config, &wanted, Language::Vi, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("missing.deb"), "{error}");
    assert!(!office.path("out").exists());
}
