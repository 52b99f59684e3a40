//! People: who signs in, who may act, who is refused.

use std::path::PathBuf;

use super::*;
use crate::commands::UserWish;
use crate::store;
use crate::users::Role;

const PASSWORD: &str = "một câu dễ nhớ";

/// An address that only those read who may.
const CLOSED: &str = "listen: '127.0.0.1:0', token_file: token, operate_token_file: operate-token";

const OWN: &str = "Sec-Fetch-Site: same-origin\r\n";

const JSON: &str = "Content-Type: application/json\r\n";

const ABSENCE: &str =
    r#"{ "site": "th-0316", "from": "2026-11-23", "to": "2126-11-23", "reason": "x" }"#;

impl World {
    fn closed() -> Self {
        let world = Self::start_with(CLOSED);
        world.user(&UserWish::Add("lan".parse().unwrap(), Role::Operate), PASSWORD);
        world.user(&UserWish::Add("xem".parse().unwrap(), Role::View), PASSWORD);
        world
    }

    /// What `nhipcau-collector user …` does, in a process of its own as far as the store sees.
    fn user(&self, wish: &UserWish, password: &str) {
        let file: PathBuf = self.directory.path().join("password");
        std::fs::write(&file, format!("{password}\r\n")).unwrap();
        commands::user(&self.config, wish, Some(&file), Language::En).unwrap();
    }

    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.operations).await.unwrap();
        let headers = format!("{headers}Connection: close\r\n");
        let request = post(path, &headers, body).replacen("POST", method, 1);
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    async fn sign_in(&self, user: &str, password: &str, headers: &str) -> String {
        let body = serde_json::json!({ "user": user, "password": password }).to_string();
        self.send("POST", "/board/sign-in", &format!("{OWN}{JSON}{headers}"), &body).await
    }

    /// The headers of a page in which somebody has signed in: the cookie, and the proof.
    async fn page_of(&self, user: &str) -> (String, String) {
        let cookie = cookie(&self.sign_in(user, PASSWORD, "").await);
        let who = self.send("GET", "/board/session", &cookie, "").await;
        let (_, who) = who.split_once("\r\n\r\n").unwrap();
        let who: serde_json::Value = serde_json::from_str(who).unwrap();
        assert_eq!(who["user"], user);
        (cookie, format!("X-CSRF-Token: {}\r\n", who["proof"].as_str().unwrap()))
    }

    async fn reads(&self, headers: &str) -> u16 {
        status(&self.send("GET", "/api/v1/sites", headers, "").await)
    }

    fn log(&self) -> Vec<(String, String, String)> {
        let store = store::open(&self.config.state_dir).unwrap();
        let entries = store::audit::since(&store, 0).unwrap().into_iter();
        entries.map(|entry| (entry.act, entry.who, entry.subject)).collect()
    }
}

/// The `Cookie` header that a browser makes of an answer.
fn cookie(answer: &str) -> String {
    let set = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let pair = set.and_then(|set| set.split(';').next()).unwrap_or_else(|| panic!("{answer}"));
    format!("Cookie: {pair}\r\n")
}

/// The answer without what differs between any two.
fn without_date(answer: &str) -> String {
    let lines = answer.lines().filter(|line| !line.starts_with("date: "));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn who_signs_in_reads_until_signing_out() {
    let world = World::closed();
    assert_eq!(world.reads("").await, 401);
    let answer = world.sign_in("Xem", PASSWORD, "").await;
    assert_eq!(status(&answer), 204, "{answer}");
    assert!(answer.contains("; HttpOnly; SameSite=Strict\r\n"), "in the open: {answer}");
    let (view, proof) = world.page_of("xem").await;
    assert_eq!(world.reads(&view).await, 200);
    assert_eq!(status(&world.send("GET", "/board/sites/th-0316", &view, "").await), 200);
    assert_eq!(status(&world.send("GET", "/metrics", &view, "").await), 200);
    assert_eq!(world.reads("Cookie: nhipcau=0000\r\n").await, 401);

    let foreign = world.send("POST", "/board/sign-out", &view, "").await;
    assert_eq!(status(&foreign), 403, "another page must not sign anybody out: {foreign}");
    let own = format!("{view}{proof}{OWN}");
    let answer = world.send("POST", "/board/sign-out", &own, "").await;
    assert!(status(&answer) == 204 && answer.contains("nhipcau=; "), "{answer}");
    assert_eq!(world.reads(&view).await, 401);
    let nobody = world.send("POST", "/board/sign-out", "", "").await;
    assert_eq!(status(&nobody), 204);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let world = World::closed();
    let wrong = world.sign_in("lan", "not her password", "").await;
    let unknown = world.sign_in("nobody", "not her password", "").await;
    let impossible = world.sign_in("Ai Đó", "not her password", "").await;
    assert_eq!(status(&wrong), 401, "{wrong}");
    assert_eq!(without_date(&wrong), without_date(&unknown));
    assert_eq!(without_date(&wrong), without_date(&impossible));
    assert!(!wrong.contains("set-cookie"), "{wrong}");
    let subjects: Vec<_> =
        world.log()[2..].iter().map(|(_, who, on)| format!("{who}/{on}")).collect();
    assert_eq!(
        subjects,
        ["/lan", "/(unknown)", "/(unknown)"],
        "a password may have been typed there"
    );
}

#[tokio::test]
async fn who_guesses_is_slowed_down_but_not_who_is_known() {
    let world = World::closed();
    let known = cookie(&world.sign_in("lan", PASSWORD, "").await);
    for _ in 0..5 {
        assert_eq!(status(&world.sign_in("lan", "a wrong guess", "").await), 401);
    }
    let slow = world.sign_in("lan", PASSWORD, "").await;
    assert_eq!(status(&slow), 429, "also for the right one: {slow}");
    assert!(
        slow.contains("retry-after: 1") && slow.contains(r#""error":"slow","seconds":1"#),
        "{slow}"
    );
    assert_eq!(status(&world.sign_in("xem", PASSWORD, "").await), 204, "somebody else");
    let others = world.sign_in("xem", PASSWORD, &known).await;
    assert_eq!(status(&others), 204, "a browser known for another is as good as any");
    let again = world.sign_in("lan", PASSWORD, &known).await;
    assert_eq!(status(&again), 204, "her own browser: {again}");
    assert_eq!(world.reads(&known).await, 401, "its session before is over");
    assert_eq!(world.reads(&cookie(&again)).await, 200);
}

#[tokio::test]
async fn only_the_collectors_own_page_signs_in_and_with_little_to_say() {
    let world = World::closed();
    let body = serde_json::json!({ "user": "lan", "password": PASSWORD }).to_string();
    let other_host = "Origin: https://evil.example\r\n";
    for (headers, body, expected) in [
        (format!("{OWN}{JSON}"), body.as_str(), 204),
        (format!("Origin: http://a\r\n{JSON}"), &body, 204),
        (format!("Sec-Fetch-Site: cross-site\r\nOrigin: http://a\r\n{JSON}"), &body, 403),
        (format!("{other_host}{JSON}"), &body, 403),
        (JSON.to_owned(), &body, 403),
        (format!("{OWN}Content-Type: text/plain\r\n"), &body, 415),
        (format!("{OWN}{JSON}"), "{}", 400),
        (format!("{OWN}{JSON}"), &"x".repeat(5000), 413),
    ] {
        let answer = world.send("POST", "/board/sign-in", &headers, body).await;
        assert_eq!(status(&answer), expected, "{headers}{answer}");
    }
    assert_eq!(status(&world.send("GET", "/board/sign-in", "", "").await), 405);
}

#[tokio::test]
async fn an_act_takes_the_role_the_own_page_and_its_proof_or_the_programs_token() {
    let world = World::closed();
    let (lan, lans_proof) = world.page_of("lan").await;
    let (xem, xems_proof) = world.page_of("xem").await;
    let reader = "Authorization: Bearer a-token-of-some-length\r\n";
    for (case, headers, expected) in [
        ("nobody", String::new(), 401),
        ("who only reads", format!("{xem}{xems_proof}{OWN}"), 403),
        ("a program that only reads", reader.to_owned(), 403),
        ("a program that acts", MAY_ACT.to_owned(), 201),
        ("an operator on the board", format!("{lan}{lans_proof}{OWN}"), 201),
        ("her cookie alone", format!("{lan}{OWN}"), 403),
        ("with another's proof", format!("{lan}{xems_proof}{OWN}"), 403),
        ("from another site", format!("{lan}{lans_proof}Sec-Fetch-Site: cross-site\r\n"), 403),
        ("from nowhere", format!("{lan}{lans_proof}"), 403),
        ("an older browser", format!("{lan}{lans_proof}Origin: http://a\r\n"), 201),
        ("an older one elsewhere", format!("{lan}{lans_proof}Origin: http://b\r\n"), 403),
    ] {
        let headers = format!("{headers}{JSON}");
        let answer = world.send("POST", "/api/v1/absences", &headers, ABSENCE).await;
        assert_eq!(status(&answer), expected, "{case}: {answer}");
    }
    for (method, path) in [
        ("DELETE", "/api/v1/absences/1"),
        ("POST", "/api/v1/meetings"),
        ("POST", "/api/v1/meetings?preview=true"),
        ("PUT", "/api/v1/meetings/m"),
        ("DELETE", "/api/v1/meetings/m"),
        ("POST", "/api/v1/meetings/m/attendance"),
    ] {
        let headers = format!("{xem}{xems_proof}{OWN}{JSON}");
        assert_eq!(status(&world.send(method, path, &headers, "{}").await), 403, "{method} {path}");
    }
    let acts = world.log();
    let acts: Vec<_> = acts.iter().filter(|(act, ..)| act == "absence_add").collect();
    let who: Vec<_> = acts.iter().map(|(_, who, on)| (who.as_str(), on.as_str())).collect();
    assert_eq!(who, [("(token)", "th-0316"), ("lan", "th-0316"), ("lan", "th-0316")]);
}

#[tokio::test]
async fn on_an_open_loopback_everybody_reads_and_still_nobody_acts_without_a_name() {
    let world = World::start();
    world.user(&UserWish::Add("lan".parse().unwrap(), Role::Operate), PASSWORD);
    assert_eq!(world.reads("").await, 200);
    assert_eq!(world.reads("Authorization: Bearer of something else\r\n").await, 200);
    let session = world.send("GET", "/board/session", "", "").await;
    assert!(session.contains("cache-control: no-store\r\n"), "{session}");
    assert!(session.ends_with(r#"{"user":null,"role":"view","proof":null}"#), "{session}");
    assert_eq!(status(&world.send("POST", "/api/v1/absences", JSON, ABSENCE).await), 401);
    assert_eq!(status(&world.send("GET", "/api/v1/audit", "", "").await), 401);
    let (lan, proof) = world.page_of("lan").await;
    let headers = format!("{lan}{proof}{OWN}{JSON}");
    assert_eq!(status(&world.send("POST", "/api/v1/absences", &headers, ABSENCE).await), 201);
}

#[tokio::test]
async fn another_password_another_role_and_a_removed_user_are_in_force_at_once() {
    let world = World::closed();
    let (lan, proof) = world.page_of("lan").await;
    let headers = format!("{lan}{proof}{OWN}{JSON}");
    let acts = async || status(&world.send("POST", "/api/v1/absences", &headers, ABSENCE).await);
    assert_eq!(acts().await, 201);
    world.user(&UserWish::Role("lan".parse().unwrap(), Role::View), "");
    assert_eq!((acts().await, world.reads(&lan).await), (403, 200));
    world.user(&UserWish::Password("lan".parse().unwrap()), "một câu khác hẳn");
    assert_eq!(world.reads(&lan).await, 401);
    assert_eq!(status(&world.sign_in("lan", PASSWORD, "").await), 401);
    let answer = world.sign_in("lan", "một câu khác hẳn", "").await;
    let lan = cookie(&answer);

    // Who looks on already, looks on no longer.
    let mut stream = TcpStream::connect(world.operations).await.unwrap();
    let request =
        format!("GET /board/events HTTP/1.1\r\nHost: a\r\n{lan}Connection: close\r\n\r\n");
    let begun = exchange(&mut stream, &request).await;
    assert_eq!(status(&begun), 200, "{begun}");
    world.user(&UserWish::Remove("lan".parse().unwrap()), "");
    rest(&mut stream).await;
    assert_eq!(world.reads(&lan).await, 401);
    assert_eq!(status(&world.sign_in("lan", "một câu khác hẳn", "").await), 401);
}

#[tokio::test]
async fn over_tls_a_cookie_stays_on_tls() {
    let world = World::start_with("listen: '0.0.0.0:0', token_file: token");
    world.user(&UserWish::Add("lan".parse().unwrap(), Role::Operate), PASSWORD);
    let address = SocketAddr::from(([127, 0, 0, 1], world.operations.port()));
    let body = serde_json::json!({ "user": "lan", "password": PASSWORD }).to_string();
    let request = post("/board/sign-in", &format!("{OWN}{JSON}"), &body);
    let answer = exchange(&mut world.over_tls(address).await, &request).await;
    assert_eq!(status(&answer), 204, "{answer}");
    assert!(answer.contains("set-cookie: __Host-nhipcau="), "{answer}");
    assert!(answer.contains("; HttpOnly; SameSite=Strict; Secure\r\n"), "{answer}");
    let cookie = cookie(&answer);
    let read = format!("GET /api/v1/sites HTTP/1.1\r\nHost: a\r\n{cookie}\r\n");
    assert_eq!(status(&exchange(&mut world.over_tls(address).await, &read).await), 200);
}

#[tokio::test]
async fn the_log_is_read_by_those_who_act() {
    let world = World::closed();
    let (lan, proof) = world.page_of("lan").await;
    let (xem, _) = world.page_of("xem").await;
    world.sign_in("lan", "a wrong guess", "").await;
    world.send("POST", "/board/sign-out", &format!("{lan}{proof}{OWN}"), "").await;
    assert_eq!(status(&world.send("GET", "/api/v1/audit", &lan, "").await), 401, "signed out");
    assert_eq!(status(&world.send("GET", "/api/v1/audit", &xem, "").await), 403);
    assert_eq!(status(&world.send("DELETE", "/api/v1/audit", MAY_ACT, "").await), 405);
    assert_eq!(status(&world.send("GET", "/api/v1/audit?before=x", MAY_ACT, "").await), 400);
    let answer = world.send("GET", "/api/v1/audit?lang=en", MAY_ACT, "").await;
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    let log: serde_json::Value = serde_json::from_str(json).unwrap();
    let acts: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["sign_out", "sign_in_refused", "sign_in", "sign_in", "user_add", "user_add"]);
    assert_eq!(log["entries"][1]["address"], "127.0.0.1");
    assert_eq!(log["entries"][1]["after"], "wrong name or password");
    assert_eq!(log["entries"][0]["word"], "signed out");
    assert!(!answer.contains(PASSWORD) && !answer.contains("argon2"));
}

#[tokio::test]
async fn a_trouble_is_acknowledged_by_name_and_that_is_taken_back() {
    let world = World::closed();
    let (lan, proof) = world.page_of("lan").await;
    let headers = format!("{lan}{proof}{OWN}{JSON}");
    let path = "/api/v1/acknowledgements";
    let long = "x".repeat(257);
    for (body, expected) in [
        (r#"{"site":"th-0316","note":"<b>đang gọi</b>"}"#.to_owned(), 201),
        (r#"{"site":"th-9999","note":"x"}"#.to_owned(), 404),
        (r#"{"uplink":"pop-1"}"#.to_owned(), 404),
        (r#"{"site":"th-0316","meeting":"m@2026-11-23T07:30"}"#.to_owned(), 404),
        (r#"{"note":"x"}"#.to_owned(), 422),
        (format!(r#"{{"site":"th-0316","note":"{long}"}}"#), 422),
    ] {
        let answer = world.send("POST", path, &headers, &body).await;
        assert_eq!(status(&answer), expected, "{body}: {answer}");
    }
    let (xem, xems_proof) = world.page_of("xem").await;
    let list = world.send("GET", path, &xem, "").await;
    assert!(
        list.contains(r#"[{"site":"th-0316","id":1,"meeting":null,"who":"lan","at":"#),
        "{list}"
    );
    assert!(list.contains(r#""note":"<b>đang gọi</b>"}]"#), "{list}");
    let viewers = format!("{xem}{xems_proof}{OWN}{JSON}");
    let answer = world.send("DELETE", &format!("{path}/1"), &viewers, "").await;
    assert_eq!(status(&answer), 403);
    assert_eq!(status(&world.send("DELETE", &format!("{path}/1"), &headers, "").await), 204);
    assert_eq!(status(&world.send("DELETE", &format!("{path}/1"), &headers, "").await), 404);
    let acts: Vec<_> = world.log().into_iter().filter(|(_, _, on)| on == "th-0316").collect();
    let expected = ["acknowledge", "acknowledgement_remove"]
        .map(|act| (act.to_owned(), "lan".to_owned(), "th-0316".to_owned()));
    assert_eq!(acts, expected);
}
