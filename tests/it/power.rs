//! UPSes, through the programs that watch them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tests::program::{Program, mortal};
use tests::{agent, ports, wait};

/// Debian's NUT with its driver for UPSes that are only a file; `None` where it is missing.
struct Nut {
    port: u16,
    folder: TempDir,
    driver: Program,
    _server: Program,
}

impl Nut {
    fn start(variables: &str) -> Option<Self> {
        // Not /usr/sbin/upsd: that one wants a configuration of the whole system.
        let [server, driver] = ["upsd", "dummy-ups"].map(|name| Path::new("/lib/nut").join(name));
        if !server.exists() || !driver.exists() {
            println!("SKIPPED: nut-server is not installed");
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), ports::free());
        let path = folder.path();
        fs::write(path.join("upsd.conf"), format!("LISTEN 127.0.0.1 {port}\n")).unwrap();
        fs::write(path.join("upsd.users"), "").unwrap();
        let ups =
            "pollinterval = 1\n[room]\ndriver = dummy-ups\nport = room.dev\ndesc = \"Room\"\n";
        fs::write(path.join("ups.conf"), ups).unwrap();
        fs::write(path.join("room.dev"), variables).unwrap();
        let start = |program: &Path, arguments: &[&str]| {
            let mut command = mortal(program);
            command.args(arguments).args(["-F", "-u", "root"]);
            command.env("NUT_CONFPATH", path).env("NUT_STATEPATH", path);
            Program::start("nut", command)
        };
        let driver = start(&driver, &["-a", "room"]);
        let server = start(&server, &[]);
        let nut = Self { port, folder, driver, _server: server };
        nut.until("a UPS that is watched", "bridge_ups_mains_online");
        Some(nut)
    }

    fn once(&self) -> (String, bool) {
        agent::once(&format!("{{ ups: {{ port: {}, name: room }} }}", self.port))
    }

    fn until(&self, what: &str, says: &str) -> (String, bool) {
        wait::until(what, || {
            let (said, good) = self.once();
            if said.contains(says) { Ok((said, good)) } else { Err(said) }
        })
    }
}

#[test]
fn nut_tells_of_mains_battery_and_a_driver_that_is_gone() {
    let on_mains = "ups.status: OL\nbattery.charge: 97\nbattery.runtime: 1240\nups.load: 23\n";
    let Some(mut nut) = Nut::start(on_mains) else { return };
    let (said, good) = nut.once();
    assert!(good && said.contains("UPS room says: OL. There is mains power."), "{said}");
    for line in [
        "bridge_ups_mains_online{device=\"room\"} = 1",
        "bridge_ups_charge_ratio{device=\"room\"} = 97.0 %",
        "bridge_ups_load_ratio{device=\"room\"} = 23.0 %",
        "bridge_ups_runtime_seconds{device=\"room\"} = 1240.000 s",
    ] {
        assert!(said.contains(line), "{line} is missing in {said}");
    }

    let on_battery = "ups.status: OB LB DISCHRG\nbattery.charge: 9\nbattery.runtime: 60\n";
    fs::write(nut.folder.path().join("room.dev"), on_battery).unwrap();
    let (said, good) = nut.until("a battery that ends", "battery_empty");
    assert!(!good && said.contains("No mains power: it runs on its battery."), "{said}");

    nut.driver.kill();
    let (said, good) = nut.until("a driver that is missed", "out_of_touch");
    assert!(good && said.starts_with("! service (ups): needs attention"), "{said}");
    assert!(!said.contains("bridge_ups_"), "what is not known is not told: {said}");
}

#[test]
fn nut_without_that_ups_says_so() {
    let Some(nut) = Nut::start("ups.status: OL\n") else { return };
    let (said, good) = agent::once(&format!("{{ ups: {{ port: {}, name: cellar }} }}", nut.port));
    assert!(!good && said.contains("UNKNOWN-UPS cellar]"), "{said}");
}

/// Debian's apcupsd, which excludes NUT as a package and is therefore unpacked by `tests/run.sh`.
/// Its UPS is one with a network card, which `snmpd` stands in for.
struct Apcupsd {
    port: u16,
    _card: Program,
    _program: Program,
    _folder: TempDir,
}

impl Apcupsd {
    fn start(output_source: u8) -> Option<Self> {
        let unpacked =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../target/debian/apcupsd/sbin/apcupsd");
        let (program, card) = (PathBuf::from(unpacked), Path::new("/usr/sbin/snmpd"));
        if !program.exists() || !card.exists() {
            println!("SKIPPED: apcupsd is not unpacked, or snmpd not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (path, port, card_port) = (folder.path(), ports::free(), ports::free());
        let mib = "1.3.6.1.2.1.33.1";
        let values = format!(
            "rocommunity public 127.0.0.1\n\
             override {mib}.1.2.0 octet_str \"Smart-UPS\"\noverride {mib}.2.1.0 integer 2\n\
             override {mib}.2.3.0 integer 42\noverride {mib}.2.4.0 integer 97\n\
             override {mib}.4.1.0 integer {output_source}\noverride {mib}.4.4.1.5.1 integer 23\n"
        );
        fs::write(path.join("snmpd.conf"), values).unwrap();
        let mut snmpd = mortal(card);
        snmpd.args(["-f", "-Lo", "-C", "-c"]).arg(path.join("snmpd.conf"));
        snmpd.arg(format!("udp:127.0.0.1:{card_port}")).env("SNMP_PERSISTENT_DIR", path);
        let card = Program::start("snmpd", snmpd);

        let shown = path.display();
        let config = format!(
            "## apcupsd.conf v1.1 ##\nUPSNAME room\nUPSCABLE ether\nUPSTYPE snmp\n\
             DEVICE 127.0.0.1:{card_port}:RFC:public\nPOLLTIME 1\nLOCKFILE {shown}\n\
             SCRIPTDIR {shown}\nPWRFAILDIR {shown}\nNOLOGINDIR {shown}\nEVENTSFILE {shown}/events\n\
             STATFILE {shown}/status\nNETSERVER on\nNISIP 127.0.0.1\nNISPORT {port}\n"
        );
        fs::write(path.join("apcupsd.conf"), config).unwrap();
        let mut command = mortal(program);
        command.args(["-b", "-f"]).arg(path.join("apcupsd.conf"));
        command.arg("-P").arg(path.join("pid"));
        let program = Program::start("apcupsd", command);
        Some(Self { port, _card: card, _program: program, _folder: folder })
    }

    fn until(&self, what: &str, says: &str) -> (String, bool) {
        let probe = format!("{{ ups: {{ port: {}, protocol: apcupsd }} }}", self.port);
        wait::until(what, || {
            let (said, good) = agent::once(&probe);
            if said.contains(says) { Ok((said, good)) } else { Err(said) }
        })
    }
}

#[test]
fn apcupsd_tells_of_mains_and_battery() {
    let Some(apcupsd) = Apcupsd::start(3) else { return };
    let (said, good) = apcupsd.until("a UPS that is watched", "UPS room says: ONLINE.");
    assert!(good && said.contains("There is mains power."), "{said}");
    for line in [
        "bridge_ups_mains_online{device=\"room\"} = 1",
        "bridge_ups_charge_ratio{device=\"room\"} = 97.0 %",
        "bridge_ups_load_ratio{device=\"room\"} = 23.0 %",
        "bridge_ups_runtime_seconds{device=\"room\"} = 2520.000 s",
    ] {
        assert!(said.contains(line), "{line} is missing in {said}");
    }
}
