//! Debian's real Chromium without a window, driven over the pipe of its debugging protocol.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::collector::{Collector, PASSWORD};
use crate::wait;

/// Where Debian puts it.
const PROGRAM: &str = "/usr/bin/chromium";

/// Keys and their numbers on a keyboard of Windows, which the protocol goes by.
const KEYS: [(&str, u32); 10] = [
    ("Tab", 9),
    ("Enter", 13),
    ("Escape", 27),
    ("PageUp", 33),
    ("PageDown", 34),
    ("Home", 36),
    ("ArrowLeft", 37),
    ("ArrowUp", 38),
    ("ArrowRight", 39),
    ("ArrowDown", 40),
];

/// One page of a running browser. It ends with the test that started it.
#[derive(Debug)]
pub struct Browser {
    // Dropped before the folder its profile lies in.
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    asked: u64,
    _folder: TempDir,
}

impl Browser {
    /// Opens an address; `None`, said aloud, where Chromium is not installed.
    #[must_use]
    pub fn open(url: &str) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            println!("SKIPPED: chromium is not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary directory");
        // The protocol speaks on descriptors 3 and 4; Chromium ends when they do.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", PROGRAM]);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ]);
        command.args([
            "--no-first-run",
            "--disable-background-networking",
            "--remote-debugging-pipe",
        ]);
        command.arg("--window-size=1280,900");
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        command.env("HOME", folder.path());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let to = child.stdin.take().expect("piped");
        let from = BufReader::new(child.stdout.take().expect("piped"));
        let mut browser = Self { child, to, from, session: Value::Null, asked: 0, _folder: folder };
        let target = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = browser.ask("Target.attachToTarget", &attach)["sessionId"].clone();
        browser.go(url);
        Some(browser)
    }

    /// Opens the board and signs in as `lan`, who must be one of its users.
    #[must_use]
    pub fn open_board(collector: &Collector, language: &str) -> Option<Self> {
        let mut browser =
            Self::open(&format!("http://{}/?lang={language}", collector.operations()))?;
        browser.wait_for("document.querySelector('.tile') !== null");
        browser.value("document.querySelector('#who').click()");
        browser.type_text("lan");
        browser.value("document.querySelector('#password').focus()");
        browser.type_text(PASSWORD);
        browser.press("Enter");
        browser.wait_for("document.body.classList.contains('operates')");
        Some(browser)
    }

    /// Goes to another address.
    pub fn go(&mut self, url: &str) {
        self.ask("Page.navigate", &json!({ "url": url }));
    }

    /// Asks for something of the protocol and returns its result.
    pub fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.answer(method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The result of what is asked of the protocol, or its error.
    fn answer(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        self.asked += 1;
        let mut request = json!({ "id": self.asked, "method": method, "params": parameters });
        if !self.session.is_null() {
            request["sessionId"] = self.session.clone();
        }
        self.to.write_all(format!("{request}\0").as_bytes()).expect("a living browser");
        loop {
            let mut message = Vec::new();
            self.from.read_until(0, &mut message).expect("a living browser");
            assert_eq!(message.pop(), Some(0), "the browser has ended");
            let answer: Value = serde_json::from_slice(&message).expect("JSON");
            if answer["id"] == json!(self.asked) {
                return match answer.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(answer["result"].clone()),
                };
            }
        }
    }

    /// The value of an expression of JavaScript; null where it throws.
    pub fn value(&mut self, expression: &str) -> Value {
        self.look(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The same, or an error where the page is left for another in that moment.
    fn look(&mut self, expression: &str) -> Result<Value, Value> {
        let parameters = json!({ "expression": expression, "returnByValue": true });
        let answer = self.answer("Runtime.evaluate", &parameters)?;
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression is true; `instead` tells what the page shows meanwhile.
    #[track_caller]
    pub fn wait_for(&mut self, expression: &str) {
        wait::until(expression, || {
            let holds = self.look(expression) == Ok(Value::Bool(true));
            wait::seen(holds, || format!("{:?}", self.look("document.body.innerText")))
        });
    }

    /// What a screen reader is told of the page, in its order: a role and a name each.
    pub fn read_aloud(&mut self) -> Vec<(String, String)> {
        let tree = self.ask("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().expect("nodes").iter();
        let told = nodes.filter(|node| node["ignored"] == false);
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        told.map(|node| (text(&node["role"]), text(&node["name"]))).collect()
    }

    /// Presses a key, as `Enter` or `ArrowDown`.
    pub fn press(&mut self, key: &str) {
        let code = KEYS.iter().find(|(name, _)| *name == key).map(|(_, code)| code);
        let code = code.unwrap_or_else(|| panic!("the number of the key {key} is not known here"));
        for kind in ["keyDown", "keyUp"] {
            let text = if key == "Enter" && kind == "keyDown" { "\r" } else { "" };
            let event = json!({ "type": kind, "key": key, "code": key, "text": text,
                "windowsVirtualKeyCode": code });
            self.ask("Input.dispatchKeyEvent", &event);
        }
    }

    /// Types a text into a field, in the place of what stands there.
    pub fn fill(&mut self, field: &str, text: &str) {
        self.value(&format!("document.querySelector('{field}').focus()"));
        self.value(&format!("document.querySelector('{field}').select()"));
        self.type_text(text);
    }

    /// Presses Enter on a button, once it is there.
    #[track_caller]
    pub fn press_on(&mut self, button: &str) {
        self.wait_for(&format!("document.querySelector('{button}') !== null"));
        self.value(&format!("document.querySelector('{button}').focus()"));
        self.press("Enter");
    }

    /// Goes to another view of the board.
    pub fn turn_to(&mut self, view: &str) {
        self.value(&format!("location.hash = '{view}'"));
    }

    /// Types into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.ask("Input.insertText", &json!({ "text": text }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to end, it ends its own processes too.
        self.session = Value::Null;
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.child.wait();
    }
}
