//! The shipped containers, as far as they can be looked at without running them: what is mounted is
//! what is shipped, ports are those of the configurations, versions are pinned, and the collector's
//! health check tells a ready collector from none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;
use tests::collector::{Collector, inventory};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn compose() -> Value {
    let mut compose: Value =
        serde_yaml::from_str(&fs::read_to_string(deploy().join("compose.yaml")).unwrap()).unwrap();
    compose.apply_merge().unwrap();
    compose
}

fn services(compose: &Value) -> Vec<(String, Value)> {
    let services = compose["services"].as_mapping().unwrap();
    services
        .iter()
        .map(|(name, service)| (name.as_str().unwrap().into(), service.clone()))
        .collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_sequence().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Where a volume comes from and where it goes; what stands for a variable's default is taken.
fn mount(volume: &str) -> (String, String) {
    let volume = match volume.strip_prefix("${") {
        Some(variable) => {
            let (variable, rest) = variable.split_once('}').unwrap();
            format!("{}{rest}", variable.split_once(":-").unwrap().1)
        }
        None => volume.to_owned(),
    };
    let mut parts = volume.split(':');
    (parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned())
}

#[test]
fn every_version_is_pinned_and_every_service_has_its_health_looked_at() {
    let compose = compose();
    let names: Vec<_> = services(&compose).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["collector", "prometheus", "alertmanager", "grafana"]);
    for (name, service) in services(&compose) {
        let image = service["image"].as_str().unwrap();
        let (_, version) = image.rsplit_once(':').unwrap();
        let numbers =
            version.trim_start_matches('v').split('.').filter(|n| n.parse::<u32>().is_ok());
        assert_eq!(numbers.count(), 3, "{name}: {image}");
        assert!(texts(&service["healthcheck"]["test"]).len() > 1, "{name}");
        for key in ["interval", "timeout", "retries", "start_period"] {
            assert!(!service["healthcheck"][key].is_null(), "{name}: {key}");
        }
        assert_eq!(service["read_only"].as_bool(), Some(true), "{name}");
        assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
    }
    let built = format!("nhipcau-collector:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(compose["services"]["collector"]["image"].as_str(), Some(built.as_str()));
}

#[test]
fn what_is_mounted_is_what_is_shipped() {
    let compose = compose();
    let named = compose["volumes"].as_mapping().unwrap();
    let mut mounted = Vec::new();
    for (name, service) in services(&compose) {
        for volume in texts(&service["volumes"]) {
            let (from, to) = mount(volume);
            if from.starts_with('.') {
                assert!(deploy().join(&from).exists(), "{name}: {from}");
                assert!(volume.ends_with(":ro"), "{name}: {volume}");
                mounted.push((from, to));
            } else {
                assert!(named.contains_key(from.as_str()), "{name}: {from}");
            }
        }
    }
    let goes = |from: &str, to: &str| {
        assert!(mounted.contains(&(from.into(), to.into())), "{from} to {to}: {mounted:?}");
    };
    goes("./examples", "/etc/nhipcau");
    goes("./prometheus/prometheus.yml", "/etc/prometheus/prometheus.yml");
    goes("../dashboards/rules", "/etc/prometheus/rules");
    goes("./alertmanager", "/etc/alertmanager");
    goes("./grafana/provisioning", "/etc/grafana/provisioning");
    // Every page, where Grafana is told to look for them.
    let provider = deploy().join("grafana/provisioning/dashboards/nhipcau.yaml");
    let provider: Value = serde_yaml::from_str(&fs::read_to_string(provider).unwrap()).unwrap();
    let folder = provider["providers"][0]["options"]["path"].as_str().unwrap();
    for page in fs::read_dir(deploy().join("../dashboards")).unwrap().flatten() {
        let is_page = page.path().extension().is_some_and(|extension| extension == "json");
        let page = page.file_name().into_string().unwrap();
        if is_page {
            goes(&format!("../dashboards/{page}"), &format!("{folder}/{page}"));
        }
    }
}

#[test]
fn ports_are_those_of_the_configurations() {
    let compose = compose();
    let text = |file: &str| fs::read_to_string(deploy().join(file)).unwrap();
    let config =
        collector::config::Config::read(&deploy().join("examples/collector.yaml")).unwrap();
    let operations = config.operations.listen;
    let check =
        |service: &str| texts(&compose["services"][service]["healthcheck"]["test"]).join(" ");
    assert!(check("collector").contains(&format!(
        "/dev/tcp/{}/{}",
        operations.ip(),
        operations.port()
    )));
    assert!(text("prometheus/prometheus.yml").contains(&operations.to_string()));
    let state = compose["services"]["collector"]["volumes"][1].as_str().unwrap();
    assert!(state.ends_with(config.state_dir.to_str().unwrap()), "{state}");
    let grafana = text("grafana/provisioning/datasources/nhipcau.yaml");
    for (service, told_by) in
        [("prometheus", grafana), ("alertmanager", text("prometheus/prometheus.yml"))]
    {
        let command = texts(&compose["services"][service]["command"]).join(" ");
        let (_, listens) = command.split_once("--web.listen-address=").unwrap();
        let listens = listens.split(' ').next().unwrap();
        assert!(check(service).contains(&format!("http://{listens}/-/ready")), "{service}");
        assert!(told_by.contains(listens), "{service} at {listens} is not where others look");
    }
    let containerfile = text("Containerfile");
    for port in [config.agents.listen.port(), operations.port()] {
        assert!(containerfile.contains(&port.to_string()), "{port}");
    }
}

#[test]
fn the_collectors_health_check_tells_a_ready_one_from_none() {
    let compose = compose();
    let check = compose["services"]["collector"]["healthcheck"]["test"].clone();
    let mut check = texts(&check).into_iter();
    assert_eq!((check.next(), check.next(), check.next()), (Some("CMD"), Some("bash"), Some("-c")));
    let script = check.next().unwrap();
    let asks = |address: std::net::SocketAddr| {
        let here = format!("/dev/tcp/{}/{}", address.ip(), address.port());
        let script = script.replace("/dev/tcp/127.0.0.1/9815", &here);
        Command::new("bash").arg("-c").arg(script).output().unwrap()
    };
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let healthy = asks(collector.operations());
    assert!(healthy.status.success(), "{healthy:?}");
    collector.stop();
    assert!(!asks(collector.operations()).status.success());
}

#[test]
fn the_containerfile_builds_from_what_is_there() {
    let text = fs::read_to_string(deploy().join("Containerfile")).unwrap();
    let root = deploy().join("..");
    for line in text.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let mut sources: Vec<_> = line.split(' ').filter(|part| !part.starts_with("--")).collect();
        sources.pop();
        for source in sources.iter().filter(|source| !source.starts_with('/')) {
            assert!(root.join(source).exists(), "{source}");
        }
    }
    // Every member of the workspace must be there, or cargo refuses to look at it.
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = workspace.lines().find(|line| line.starts_with("members")).unwrap();
    for member in members.split('"').skip(1).step_by(2) {
        assert!(text.contains(&format!("COPY {member} {member}")), "{member}");
    }
    assert!(text.contains("\nUSER nhipcau-collector\n") && text.contains("--locked"));
}

#[test]
fn compose_understands_its_file() {
    let docker = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        command.arg("compose").args(arguments).env("GRAFANA_ADMIN_PASSWORD", "x").output()
    };
    if !docker(&["version"]).is_ok_and(|said| said.status.success()) {
        return println!("SKIPPED: docker compose is not installed");
    }
    let file = deploy().join("compose.yaml");
    let said = docker(&["-f", file.to_str().unwrap(), "config", "--quiet"]).unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}
