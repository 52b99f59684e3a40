use std::os::unix::fs::PermissionsExt;

use wire::update::PublicKey;

use super::*;

const EN: Language = Language::En;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A key of that name; its public half.
    fn key(&self, name: &str) -> PublicKey {
        let told = update_key(&self.path(name), EN).unwrap();
        told.lines().next().unwrap().parse().unwrap()
    }

    /// What looks like an agent of this version.
    fn program(&self, name: &str, version: &str) -> PathBuf {
        let path = self.path(name);
        let stamp = stamp::stamp(version, "linux", "x86_64");
        fs::write(&path, [&[0; 100], &stamp[..], name.as_bytes()].concat()).unwrap();
        path
    }

    fn sign(&self, key: &str, program: &Path) -> Result<String, CommandError> {
        update_sign(&self.path(key), (&[program.to_owned()], false), EN)
    }

    fn config(&self, updates: &str) -> Config {
        let file = self.path("collector.yaml");
        let text =
            format!("state_dir: state\nagents: {{ names: [a.vn] }}\ninventory: s\n{updates}\n");
        fs::write(&file, text).unwrap();
        Config::read(&file).unwrap()
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, CommandError>, part: &str) {
    let error = outcome.unwrap_err();
    let told = error.told(EN);
    assert!(told.contains(part), "{told}");
    assert_ne!(error.told(Language::Vi), "");
}

#[test]
fn a_key_is_private_and_never_overwritten() {
    let place = Place::new();
    place.key("key");
    let mode = place.path("key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    refused(update_key(&place.path("key"), EN), "is there already");
    let program = place.program("agent", "0.2.0");
    fs::set_permissions(place.path("key"), fs::Permissions::from_mode(0o640)).unwrap();
    refused(place.sign("key", &program), "chmod 600");
    fs::set_permissions(place.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(place.path("key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
        .unwrap();
    refused(place.sign("key", &program), "no private key");
}

#[test]
fn only_an_agent_is_signed_and_its_version_is_its_own_word() {
    let place = Place::new();
    let public = place.key("key");
    fs::write(place.path("other"), "#!/bin/sh").unwrap();
    refused(place.sign("key", &place.path("other")), "no nhipcau-agent");
    let program = place.program("agent", "0.2.0");
    let told = place.sign("key", &program).unwrap();
    assert!(told.contains("version 0.2.0 for linux-x86_64"), "{told}");
    let text = fs::read_to_string(place.path("agent.update")).unwrap();
    let manifest = wire::update::open(&text, &[public]).unwrap();
    assert_eq!(manifest.size, fs::metadata(&program).unwrap().len());
    assert!(!manifest.downgrade);
}

#[test]
fn only_what_is_signed_by_a_key_of_the_configuration_is_offered() {
    let place = Place::new();
    let (mine, _) = (place.key("mine"), place.key("another"));
    let program = place.program("agent", "0.2.0");
    let offer = |config: &Config| update_offer(config, std::slice::from_ref(&program), EN);
    let on = format!("updates: {{ keys: [\"{mine}\"] }}");
    refused(offer(&place.config("")), "names no key");
    refused(offer(&place.config(&on.replace(" }", ", enabled: false }"))), "switches them off");
    refused(offer(&place.config(&on)), "agent.update");
    place.sign("another", &program).unwrap();
    refused(offer(&place.config(&on)), "none of the keys");
    place.sign("mine", &program).unwrap();
    fs::write(&program, [fs::read(&program).unwrap(), b"x".to_vec()].concat()).unwrap();
    refused(offer(&place.config(&on)), "sign it again");
    place.sign("mine", &program).unwrap();
    let config = place.config(&on);
    let told = offer(&config).unwrap();
    assert!(told.contains("Version 0.2.0 (linux-x86_64) is offered: to 3 sites first"), "{told}");
    let told = update_status(&config, EN).unwrap();
    assert!(told.contains("Version 0.2.0") && told.contains("on trial"), "{told}");
    let kept = || fs::read_dir(config.state_dir.join("updates")).unwrap().count();
    place.sign("mine", &program).unwrap();
    offer(&config).unwrap();
    assert_eq!(kept(), 1, "the program of the earlier release is gone");
    assert!(update_stop(&config, EN).unwrap().contains("Stopped"));
    assert!(update_stop(&config, EN).unwrap().contains("No update"));
    assert!(update_status(&config, EN).unwrap().contains("stopped"));
}

#[test]
fn one_version_is_offered_at_a_time() {
    let place = Place::new();
    let public = place.key("key");
    let programs = [place.program("old", "0.1.9"), place.program("new", "0.2.0")];
    for program in &programs {
        place.sign("key", program).unwrap();
    }
    let config = place.config(&format!("updates: {{ keys: [\"{public}\"] }}"));
    refused(update_offer(&config, &programs, EN), "0.1.9 and 0.2.0");
    let twice = [programs[0].clone(), programs[0].clone()];
    refused(update_offer(&config, &twice, EN), "two are for linux-x86_64");
    assert!(update_status(&config, EN).unwrap().contains("no update"));
}
