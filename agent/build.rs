//! Gives the program for Windows its resources: who made it and which version it is (Explorer and
//! inventories of software show that), and how Windows is to run it. Nothing on other systems.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// Debian's cross tools first; on a PC with MSYS2 the name is plain.
const COMPILERS: [&str; 2] = ["x86_64-w64-mingw32-windres", "windres"];

fn main() {
    println!("cargo::rerun-if-changed=windows");
    println!("cargo::rerun-if-env-changed=CARGO_PKG_VERSION");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "windows" {
        return;
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    match resources(&out, &variable("CARGO_PKG_VERSION")) {
        Ok(object) => println!("cargo::rustc-link-arg-bins={}", object.display()),
        // The program works without; whoever builds it is told.
        Err(error) => println!("cargo::warning=the program has no version for Windows: {error}"),
    }
}

/// Compiles them into an object to link.
fn resources(out: &Path, version: &str) -> io::Result<PathBuf> {
    let text = fs::read_to_string("windows/agent.rc")?;
    let text = text.replace("@numbers@", &numbers(version)).replace("@version@", version);
    let (source, object) = (out.join("agent.rc"), out.join("resources.o"));
    fs::write(&source, text)?;
    let mut failure = io::Error::other("no windres");
    for compiler in COMPILERS {
        let mut command = Command::new(compiler);
        command.args(["--include-dir", "windows", "--input"]).arg(&source);
        match command.arg("--output").arg(&object).status() {
            Ok(status) if status.success() => return Ok(object),
            Ok(status) => return Err(io::Error::other(format!("{compiler}: {status}"))),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Windows compares versions as four numbers: `1.2.3-rc.1` is `1,2,3,0`.
fn numbers(version: &str) -> String {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers: Vec<&str> = core.split('.').take(4).collect();
    numbers.resize(4, "0");
    numbers.join(",")
}
