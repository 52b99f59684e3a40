use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::super::files;
use super::*;
use crate::inventory;

struct World {
    directory: tempfile::TempDir,
    plan: Arc<Shared>,
    desk: Desk,
}

fn now() -> UnixMillis {
    "2026-11-20T00:00+07:00".parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn lan() -> Actor {
    Actor { who: "lan".to_owned(), address: None }
}

async fn read(answer: Response<Body>) -> (u16, Value) {
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn meeting() -> Value {
    json!({
        "id": "giao-ban-tuan", "title": "Giao ban tuần", "start": "2026-11-23T07:30",
        "duration": "2h30m", "repeat": "FREQ=WEEKLY;COUNT=2", "except": ["2026-11-30"],
        "sites": { "ids": ["a", "xa"], "except": [] },
    })
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (plan, desk) = Self::open(directory.path());
        Self { directory, plan, desk }
    }

    fn open(directory: &Path) -> (Arc<Shared>, Desk) {
        let plan = Arc::new(Shared::default());
        let sites = b"sites: [{ id: a, name: A }, { id: b, name: B }]";
        let inventory = inventory::parse(Path::new("sites.yaml"), sites).unwrap();
        plan.set_inventory(Arc::new(inventory));
        let desk = Desk::open(store::open(directory).unwrap(), Arc::clone(&plan)).unwrap();
        (plan, desk)
    }

    /// As a restart leaves it.
    fn again(self) -> Self {
        let (plan, desk) = Self::open(self.directory.path());
        Self { directory: self.directory, plan, desk }
    }

    async fn take(&self, wish: Wish, body: &Value, preview: bool) -> (u16, Value) {
        read(self.desk.take(wish, body.to_string().into(), preview, lan(), now()).await).await
    }

    async fn add(&self, body: &Value) -> (u16, Value) {
        self.take(Wish::Add, body, false).await
    }

    async fn put(&self, id: &str, body: &Value) -> (u16, Value) {
        self.take(Wish::Put(id.to_owned()), body, false).await
    }

    /// The calendar with a file in which stands a meeting of this id.
    fn write(&self, id: &str) {
        let text =
            format!("meetings: [{{ id: {id}, title: F, start: 2026-11-23T07:30, duration: 1h }}]");
        let path = Path::new("/etc/giao-ban.yaml");
        let content = files::parse(path, files::Text::new(text.as_bytes(), None)).unwrap();
        self.plan.set_calendar(files::assemble(&BTreeMap::from([(path.to_owned(), content)])).0);
    }

    fn titles(&self) -> Vec<String> {
        let calendar = self.plan.plan().calendar;
        calendar.meetings.values().map(|(meeting, _)| meeting.title.clone()).collect()
    }
}

#[tokio::test]
async fn a_preview_tells_occurrences_and_unmatched_names_and_keeps_nothing() {
    let world = World::new();
    let (status, page) = world.take(Wish::Add, &meeting(), true).await;
    assert_eq!(status, 200);
    assert_eq!(
        page["occurrences"],
        json!([{
            "id": "giao-ban-tuan@2026-11-23T07:30", "title": "Giao ban tuần",
            "start": "2026-11-23T00:30:00Z", "end": "2026-11-23T03:00:00Z",
            "site_count": 1, "sites": ["a"], "unmatched": ["xa"],
        }])
    );
    assert_eq!(world.again().titles(), [""; 0]);
}

#[tokio::test]
async fn what_is_made_outlives_the_process_until_it_is_taken_away() {
    let world = World::new();
    assert_eq!(world.add(&meeting()).await.0, 201);
    assert_eq!(world.add(&meeting()).await.0, 409);
    let world = world.again();
    assert_eq!(world.titles(), ["Giao ban tuần"]);
    let mut changed = meeting();
    changed["title"] = "Đổi".into();
    assert_eq!(world.put("giao-ban-tuan", &changed).await.0, 200);
    let world = world.again();
    assert_eq!(world.titles(), ["Đổi"]);
    let (status, list) = read(world.desk.list(now())).await;
    assert_eq!((status, &list["meetings"][0]["source"]), (200, &json!("api")));
    assert_eq!(list["occurrences"][0]["site_count"], 1);
    assert_eq!(
        read(world.desk.delete("giao-ban-tuan".to_owned(), lan(), now()).await).await.0,
        204
    );
    assert_eq!(read(world.desk.one("giao-ban-tuan".to_owned(), now()).await).await.0, 404);
    assert_eq!(world.again().titles(), [""; 0]);
}

#[tokio::test]
async fn a_meeting_of_a_file_is_changed_in_the_file() {
    let world = World::new();
    world.write("giao-ban-tuan");
    for (status, answer) in [
        world.add(&meeting()).await,
        world.put("giao-ban-tuan", &meeting()).await,
        read(world.desk.delete("giao-ban-tuan".to_owned(), lan(), now()).await).await,
    ] {
        assert_eq!(status, 409, "{answer}");
    }
    let (_, page) = read(world.desk.one("giao-ban-tuan".to_owned(), now()).await).await;
    assert_eq!((&page["source"], &page["file"]), (&json!("file"), &json!("giao-ban.yaml")));
    assert_eq!(world.titles(), ["F"]);
}

#[tokio::test]
async fn a_file_that_comes_later_has_the_last_word_as_long_as_it_is_there() {
    let world = World::new();
    world.add(&meeting()).await;
    world.write("giao-ban-tuan");
    assert_eq!(world.titles(), ["F"]);
    world.plan.set_calendar(super::super::Calendar::default());
    assert_eq!(world.titles(), ["Giao ban tuần"]);
}

#[tokio::test]
async fn faults_are_those_of_yaml_all_at_once() {
    let world = World::new();
    let body = json!({ "id": "m", "start": "soon", "duration": "9d", "titel": "M" });
    let (status, told) = world.add(&body).await;
    assert_eq!(status, 422);
    let keys: Vec<_> = told["faults"].as_array().unwrap().iter().map(|f| &f["key"]).collect();
    assert!(keys.contains(&&json!("start")) && keys.contains(&&json!("titel")), "{told}");
    assert_eq!(world.put("other", &meeting()).await.0, 400, "two ids");
    let broken =
        world.desk.take(Wish::Add, Bytes::from_static(b"id: m"), false, lan(), now()).await;
    assert_eq!(read(broken).await.0, 400, "YAML is for files");
}
