//! People who sign in: on the command line, and on the board in a real browser.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use tests::browser::Browser;
use tests::collector::{Collector, PASSWORD, READ_TOKEN};
use tests::program;

const SITES: &str = "sites: [{ id: th-0316, name: UBND xã Hoằng Đạt, needs: [network] }]\n";

fn closed() -> Collector {
    Collector::start_closed(SITES, "meetings: []\n")
}

/// What a terminal shows of a command that asks for a password, and these are typed.
fn on_a_terminal(collector: &Collector, arguments: &[&str], typed: &[&str]) -> String {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let mut command = collector.command(arguments);
    let side = || Stdio::from(terminal.slave.try_clone().unwrap());
    command.stdin(side()).stdout(side()).stderr(side());
    let mut child = command.spawn().unwrap();
    // Each holds the terminal open.
    drop((command, terminal.slave));
    let mut terminal = File::from(terminal.master);
    let (mut shown, mut asked, mut buffer) = (String::new(), 0, [0; 256]);
    // The end of a terminal is told as an error (EIO).
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
        if shown.matches(": ").count() > asked && shown.ends_with(": ") {
            if let Some(typed) = typed.get(asked) {
                terminal.write_all(typed.as_bytes()).unwrap();
            }
            asked += 1;
        }
    }
    child.wait().unwrap();
    shown
}

#[test]
fn users_are_kept_on_the_command_line_and_no_password_is_shown() {
    let collector = Collector::start(SITES);
    let said = |arguments: &[&str], told: &str| program::said(&collector.tell(arguments, told));
    assert!(said(&["user", "list"], "").contains("no users"));
    let add = ["user", "add", "Lan", "--role", "operate"];
    assert!(said(&add, "short").contains("at least 12 characters"));
    assert!(said(&add, "lan lan lan lan").contains("must not be in the password"));
    assert!(said(&add, PASSWORD).contains("User lan may look and act"));
    assert!(said(&add, PASSWORD).contains("there is a user lan already"));
    assert!(said(&["user", "list"], "").contains("operate"));
    assert!(said(&["user", "role", "lan", "view"], "").contains("is view from now on"));
    assert!(said(&["user", "role", "lan", "admin"], "").contains("a role is view or operate"));
    assert!(said(&["user", "password", "hoa"], PASSWORD).contains("there is no user hoa"));

    let typed = "another easy phrase";
    let typed_twice = [format!("{typed}\n"), format!("{typed}\n")];
    let change = ["user", "password", "lan"];
    let shown = on_a_terminal(&collector, &change, &[&typed_twice[0], &typed_twice[1]]);
    assert!(shown.contains("lan has a new password"), "{shown}");
    assert!(shown.contains("Password again: ") && !shown.contains(typed), "{shown}");
    let shown = on_a_terminal(&collector, &change, &[&typed_twice[0], "a slip\n"]);
    assert!(shown.contains("typed differently"), "{shown}");
    let shown = on_a_terminal(&collector, &change, &["anoth\u{3}"]);
    assert!(shown.contains("interrupted"), "{shown}");

    assert!(said(&["user", "remove", "lan"], "").contains("User lan is removed"));
    let log = said(&["audit", "--since", "1h"], "");
    let acts = ["user added lan", "user's role changed lan: operate → view", "user removed lan"];
    assert!(acts.iter().all(|act| log.contains(act)), "{log}");
    let csv = said(&["audit", "--csv", "--lang", "vi"], "");
    assert!(csv.contains(";thêm người dùng;user_add;lan;"), "{csv}");
    assert!(said(&["audit", "--since", "tomorrow"], "").contains("2026-11-23"));
}

#[test]
fn who_may_not_look_is_asked_in_and_a_session_that_is_over_is_told() {
    let collector = closed();
    collector.add_user("lan", "view");
    let board = format!("http://{}/?lang=en", collector.operations());
    let Some(mut browser) = Browser::open(&board) else { return };
    browser.wait_for("document.activeElement.id === 'user'");
    browser.wait_for("document.querySelector('#board').hidden");
    browser.wait_for("!document.body.innerText.includes('Hoằng Đạt')");
    let labelled = "[...document.querySelectorAll('#gate input')].every((input) => input.labels.length === 1 && input.labels[0].textContent)";
    browser.wait_for(labelled);

    let type_in = |browser: &mut Browser, user: &str, password: &str| {
        browser.value("document.querySelector('#user').value = ''");
        browser.value("document.querySelector('#user').focus()");
        browser.type_text(user);
        browser.value("document.querySelector('#password').focus()");
        browser.type_text(password);
        browser.press("Enter");
    };
    type_in(&mut browser, "lan", "not the password");
    browser
        .wait_for("document.querySelector('#refused').innerText === 'Name or password is wrong.'");
    browser.wait_for("document.querySelector('#password').value === ''");
    type_in(&mut browser, "<b>lan</b>", "not the password");
    browser.wait_for("document.querySelector('#password').value === ''");
    browser.wait_for("document.activeElement.id === 'password'");
    for _ in 0..6 {
        type_in(&mut browser, "hoa", "not the password");
        browser.wait_for("document.querySelector('#password').value === ''");
    }
    browser.wait_for(
        "document.querySelector('#refused').innerText.startsWith('Wrong too often; try again in')",
    );
    type_in(&mut browser, "lan", PASSWORD);
    browser.wait_for("document.querySelector('[data-site=th-0316]') !== null");
    browser.wait_for("document.querySelector('#who').innerText === 'lan · Sign out'");
    browser.wait_for("document.cookie === ''");
    // It stays while the page is loaded again.
    browser.go(&board);
    browser.wait_for("document.querySelector('[data-site=th-0316]') !== null");

    // Another password ends it, and the page says so without being asked.
    let output = collector.tell(&["user", "password", "lan"], "another easy phrase");
    assert!(output.status.success());
    browser.wait_for("!document.querySelector('#gate').hidden");
    browser.wait_for("document.querySelector('#board').hidden");
    browser.wait_for("document.querySelector('#refused').innerText.includes('session is over')");
    type_in(&mut browser, "lan", "another easy phrase");
    browser.wait_for("document.querySelector('#gate').hidden");
    browser.value("document.querySelector('#who').click()");
    browser.wait_for("document.activeElement.id === 'user'");

    // A screen without a keyboard has a token.
    browser.value("document.querySelector('#gate details').open = true");
    for (token, fits) in [
        (
            "a-token-somebody-made-up",
            "document.querySelector('#refused').innerText === 'This token is not right.'",
        ),
        (READ_TOKEN, "document.querySelector('[data-site=th-0316]') !== null"),
    ] {
        browser.value("document.querySelector('#token').focus()");
        browser.type_text(token);
        browser.press("Enter");
        browser.wait_for(fits);
    }
    browser.wait_for("document.querySelector('#who').innerText === 'Sign in'");
}

#[test]
fn where_reading_is_open_signing_in_is_offered_and_not_asked_for() {
    let collector = Collector::start(SITES);
    collector.add_user("lan", "operate");
    let board = format!("http://{}/?lang=en", collector.operations());
    let Some(mut browser) = Browser::open(&board) else { return };
    browser.wait_for("document.querySelector('[data-site=th-0316]') !== null");
    browser.value("document.querySelector('#who').focus()");
    browser.press("Enter");
    browser.wait_for("document.activeElement.id === 'user'");
    browser.press("Escape");
    browser.wait_for("!document.querySelector('#board').hidden");
    browser.value("document.querySelector('#who').click()");
    browser.type_text("lan");
    browser.value("document.querySelector('#password').focus()");
    browser.type_text(PASSWORD);
    browser.press("Enter");
    browser.wait_for("document.querySelector('#who').innerText === 'lan · Sign out'");
    browser.wait_for("document.body.classList.contains('operates')");
    browser.wait_for("!document.querySelector('#board').hidden");
}
