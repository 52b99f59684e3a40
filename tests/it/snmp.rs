//! Devices that speak SNMP: Debian's agent in the place of a codec and of a UPS's network card.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use tests::program::{Program, mortal};
use tests::{agent, ports, wait};

/// Debian's snmpd; `None` where it is missing.
struct Device {
    port: u16,
    folder: TempDir,
    _program: Program,
}

impl Device {
    fn start(values: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/snmpd").exists() {
            println!("SKIPPED: snmpd is not installed");
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), ports::free());
        let config = format!(
            "rocommunity room 127.0.0.1\nsysName codec-1\nsysDescr Huawei TE30\n\
             sysObjectID 1.3.6.1.4.1.2011.2.299\nrouser proven authpriv\nrouser open noauth\n\
             createUser proven SHA-256 rightpassword AES rightprivacy\ncreateUser open\n{values}"
        );
        fs::write(folder.path().join("snmpd.conf"), config).unwrap();
        let mut command = mortal("/usr/sbin/snmpd");
        command.args(["-f", "-Lo", "-C", "-c"]).arg(folder.path().join("snmpd.conf"));
        command.arg(format!("udp:127.0.0.1:{port}")).env("SNMP_PERSISTENT_DIR", folder.path());
        let program = Program::start("snmpd", command);
        let device = Self { port, folder, _program: program };
        device.secret("community", "room");
        device.secret("auth", "rightpassword");
        device.secret("privacy", "rightprivacy");
        wait::until("an SNMP agent that answers", || {
            let (said, good) = device.once(&device.community("v2c"), "");
            if good { Ok(()) } else { Err(said) }
        });
        Some(device)
    }

    fn secret(&self, name: &str, content: &str) {
        let file = self.folder.path().join(name);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn community(&self, version: &str) -> String {
        let file = self.folder.path().join("community");
        format!("{{ version: {version}, community_file: {} }}", file.display())
    }

    fn user(&self, more: &str) -> String {
        let path = self.folder.path().display();
        format!(
            "{{ user: proven, auth_password_file: {path}/auth, \
             privacy_password_file: {path}/privacy{more} }}"
        )
    }

    fn once(&self, account: &str, more: &str) -> (String, bool) {
        let port = self.port;
        agent::once(&format!(
            "{{ timeout: 5s, snmp: {{ host: 127.0.0.1, port: {port}, account: {account}{more} }} }}"
        ))
    }
}

const TEMPERATURE: &str = "1.3.6.1.4.1.99999.1.3.0";

fn values(temperature: u32) -> String {
    format!(
        "override {TEMPERATURE} integer {temperature}\n\
         override 1.3.6.1.4.1.99999.1.7.0 octet_str \"registered\"\n"
    )
}

const WATCH: &str = ", watch: { temperature: { oid: 1.3.6.1.4.1.99999.1.3.0, scale: 0.1, warn_above: 60 }, \
                     line: { oid: 1.3.6.1.4.1.99999.1.7.0, good: [registered] } }";

#[test]
fn every_version_tells_the_same() {
    let Some(device) = Device::start(&values(485)) else { return };
    let open = "{ user: open }".to_owned();
    for account in [device.community("v1"), device.community("v2c"), device.user(""), open] {
        let (said, good) = device.once(&account, WATCH);
        assert!(good && said.starts_with("✔"), "{account}: {said}");
        assert!(said.contains("answered: codec-1 (Huawei), Huawei TE30."), "{account}: {said}");
        assert!(said.contains("bridge_device_value{device=\"temperature\"} = 48.5"), "{said}");
        assert!(said.contains("line: registered."), "{said}");
        assert!(said.contains("bridge_device_start_timestamp_seconds = "), "{said}");
    }
}

#[test]
fn limits_and_missing_values_are_told() {
    let Some(device) = Device::start(&values(612)) else { return };
    let lost = WATCH.replace("1.7.0", "1.8.0");
    for version in ["v1", "v2c"] {
        let (said, good) = device.once(&device.community(version), &lost);
        assert!(good && said.starts_with('!'), "{said}");
        assert!(said.contains("[out_of_range: 61.2]"), "{said}");
        assert!(said.contains("[not_told: no value at 1.3.6.1.4.1.99999.1.8.0]"), "{said}");
        assert!(said.contains("answered: codec-1"), "{said}");
    }
}

#[test]
fn wrong_accounts_are_told_apart_from_silence() {
    let Some(device) = Device::start("") else { return };
    device.secret("community", "wrong");
    let (said, good) = device.once(&device.community("v2c"), "");
    assert!(!good && said.contains("(so it is with a wrong community too)"), "{said}");

    device.secret("auth", "wrongpassword");
    let (said, _) = device.once(&device.user(""), "");
    assert!(said.contains("[login_refused: "), "{said}");
    assert!(said.contains("lest the account be locked"), "{said}");
    assert!(!said.contains("wrongpassword"), "{said}");

    let (said, good) = device.once("{ user: nobody }", "");
    assert!(good && said.contains("[login_refused: "), "{said}");
}

#[test]
fn a_network_card_of_a_ups_tells_what_the_standard_has() {
    let mib = "1.3.6.1.2.1.33.1";
    let on_battery = format!(
        "override {mib}.1.5.0 octet_str \"room\"\noverride {mib}.2.1.0 integer 3\n\
         override {mib}.2.3.0 integer 4\noverride {mib}.2.4.0 integer 12\n\
         override {mib}.4.1.0 integer 5\noverride {mib}.4.4.1.5.1 integer 23\n\
         override {mib}.6.2.1.2.1 object_id {mib}.6.3.8\n"
    );
    let Some(device) = Device::start(&on_battery) else { return };
    let (port, account) = (device.port, device.community("v2c"));
    let probe = format!("{{ ups: {{ protocol: snmp, port: {port}, account: {account} }} }}");
    let (said, good) = agent::once(&probe);
    assert!(!good && said.contains("UPS room says: battery. No mains power"), "{said}");
    for line in [
        "[battery_empty: battery low]",
        "[ups_overloaded: overload]",
        "bridge_ups_charge_ratio{device=\"room\"} = 12.0 %",
        "bridge_ups_runtime_seconds{device=\"room\"} = 240.000 s",
    ] {
        assert!(said.contains(line), "{line} is missing in {said}");
    }

    let Some(codec) = Device::start("") else { return };
    let (port, account) = (codec.port, codec.community("v2c"));
    let probe = format!("{{ ups: {{ protocol: snmp, port: {port}, account: {account} }} }}");
    let (said, good) = agent::once(&probe);
    assert!(!good && said.contains("knows no UPS-MIB]"), "{said}");
}
