use http_body_util::BodyExt;
use serde_json::{Value as Json, json};

use super::*;

/// 2026-11-23T07:00 in Vietnam.
const NOW: UnixMillis = 1_795_392_000_000;

struct Office {
    directory: tempfile::TempDir,
    desk: Desk,
}

impl Office {
    fn new() -> Self {
        Self::again(tempfile::tempdir().unwrap())
    }

    fn again(directory: tempfile::TempDir) -> Self {
        let store = store::open(directory.path()).unwrap();
        let desk = Desk::open(store, Arc::default()).unwrap();
        Self { directory, desk }
    }

    async fn add(&self, body: &str) -> (u16, Json) {
        told(self.desk.add(Bytes::from(body.to_owned()), lan(), NOW).await).await
    }

    /// Reasons of those listed, and how many are in force.
    async fn list(&self) -> (Vec<String>, usize) {
        let (_, list) = told(self.desk.list(NOW)).await;
        let lines = list["absences"].as_array().unwrap();
        let reasons = lines.iter().map(|line| line["reason"].as_str().unwrap().to_owned());
        (reasons.collect(), self.desk.absences.all().len())
    }
}

fn lan() -> Actor {
    Actor { who: "lan".to_owned(), address: None }
}

async fn told(answer: Response<Body>) -> (u16, Json) {
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
}

const REPAIR: &str = r#"{ "site": "th-0316", "from": "2026-11-23T06:00", "to": "2026-11-23", "reason": "sửa phòng họp" }"#;

#[tokio::test]
async fn an_absence_is_in_force_until_it_is_taken_away_and_over_a_restart() {
    let office = Office::new();
    let (status, made) = office.add(REPAIR).await;
    assert_eq!((status, &made["source"], &made["now"]), (201, &json!("api"), &json!(true)));
    let later =
        r#"{ "uplink": "pop-1", "from": "2026-11-22", "to": "2026-11-25", "reason": "bảo trì" }"#;
    assert_eq!(office.add(later).await.0, 201);
    let both = (vec!["bảo trì".to_owned(), "sửa phòng họp".to_owned()], 2);
    assert_eq!(office.list().await, both);

    let office = Office::again(office.directory);
    assert_eq!(office.list().await, both);
    let id = made["id"].to_string();
    assert_eq!(told(office.desk.delete(id.clone(), lan(), NOW).await).await.0, 204);
    assert_eq!(told(office.desk.delete(id, lan(), NOW).await).await.0, 404);
    assert_eq!(told(office.desk.delete("all".to_owned(), lan(), NOW).await).await.0, 404);
    assert_eq!(office.list().await.1, 1);
    let (_, again) = office.add(REPAIR).await;
    assert!(again["id"].as_i64() > Some(2), "an id is never used twice");
}

#[tokio::test]
async fn what_stands_in_the_file_is_listed_beside_it_and_what_is_over_is_not() {
    let office = Office::new();
    let absence = |to, reason: &str| Absence {
        of: Scope::Area("tinh".parse().unwrap()),
        from: 0,
        to,
        reason: reason.to_owned(),
    };
    office.desk.absences.set_file(vec![absence(NOW, "over"), absence(NOW + 1, "not yet over")]);
    office.add(REPAIR).await;
    assert_eq!(office.list().await.0, ["not yet over", "sửa phòng họp"]);
}

#[tokio::test]
async fn what_is_no_absence_says_why() {
    let office = Office::new();
    for (body, status, part) in [
        ("{", 400, "no JSON"),
        ("{}", 422, "exactly one"),
        (r#"{ "site": "a", "from": "2026-11-23", "to": "2026-11-24" }"#, 422, "reason"),
        (
            r#"{ "site": "a", "from": "2026-11-01", "to": "2026-11-02", "reason": "x" }"#,
            422,
            "over already",
        ),
        (r#"{ "sites": ["a"] }"#, 422, "unknown key"),
    ] {
        let (found, told) = office.add(body).await;
        assert_eq!(found, status, "{body}");
        assert!(told.to_string().contains(part), "{body}: {told}");
    }
    assert_eq!(office.list().await, (vec![], 0));
}

#[tokio::test]
async fn what_is_done_and_only_that_is_written_down() {
    let office = Office::new();
    office.add("{}").await;
    let (_, made) = office.add(REPAIR).await;
    let id = made["id"].to_string();
    office.desk.delete(id.clone(), lan(), NOW).await;
    office.desk.delete(id, lan(), NOW).await;
    let store = store::open(office.directory.path()).unwrap();
    let log = audit::since(&store, 0).unwrap();
    let acts: Vec<_> = log
        .iter()
        .map(|entry| (entry.act.as_str(), entry.before.as_deref(), entry.after.as_deref()))
        .collect();
    let expected = [("absence_add", None, Some(REPAIR)), ("absence_remove", Some(REPAIR), None)];
    assert_eq!(acts, expected);
    assert!(log.iter().all(|entry| entry.who == "lan" && entry.subject == "th-0316"));
}
