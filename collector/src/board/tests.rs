use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::absences::{Absence, Scope};
use crate::inventory::Inventory;
use crate::judging::{Coming, Expected, Judging};
use crate::meetings::Occurrence;
use crate::readiness::Policy;

const MINUTE: i64 = 60_000;

/// A board above a judge.
struct World {
    judging: Judging,
    judged: Arc<judging::Shared>,
    given: Arc<acknowledgements::Shared>,
    board: Arc<Board>,
    inventory: Arc<Inventory>,
    meetings: Vec<Occurrence>,
}

impl World {
    fn new(sites: &str) -> Self {
        let text = format!("sites: [{sites}]");
        let inventory = crate::inventory::parse("a.yaml".as_ref(), text.as_bytes()).unwrap();
        let fleet = Arc::new(crate::fleet::Shared::default());
        fleet.lock().set_inventory(&inventory);
        let judged = Arc::new(judging::Shared::default());
        let given = Arc::new(acknowledgements::Shared::default());
        Self {
            judging: Judging::new(fleet, Policy::default(), Arc::clone(&judged)),
            board: Arc::new(Board::new(Arc::clone(&judged), Arc::clone(&given))),
            judged,
            given,
            inventory: Arc::new(inventory),
            meetings: Vec::new(),
        }
    }

    fn judge(&mut self, now: i64, excused: &[&str]) {
        let absence = |site: &&str| Absence {
            of: Scope::Site(site.parse().unwrap()),
            from: i64::MIN,
            to: i64::MAX,
            reason: "sửa \"mái\"\nnhà".to_owned(),
        };
        let expected = Expected {
            inventory: Arc::clone(&self.inventory),
            meetings: Coming::soon(self.meetings.clone(), now),
            absences: Arc::new(excused.iter().map(absence).collect()),
        };
        self.judging.judge_at(now, expected);
        self.board.take(&self.judged.latest(), now);
    }
}

fn meeting(id: &str, start: i64, end: i64) -> Occurrence {
    Occurrence {
        id: id.to_owned(),
        title: id.to_owned(),
        start: start * MINUTE,
        end: end * MINUTE,
        sites: BTreeSet::from(["a".parse().unwrap()]),
        needs: None,
        unmatched: Vec::new(),
    }
}

fn for_ever() -> Over {
    Box::pin(std::future::pending())
}

/// What an event says, after its name.
fn read(event: &Event) -> (String, Value) {
    parsed(&event.plain())
}

fn parsed(event: &[u8]) -> (String, Value) {
    let text = std::str::from_utf8(event).unwrap();
    let (name, data) = text.strip_suffix("\n\n").unwrap().split_once('\n').unwrap();
    assert!(!data.contains('\n'), "{text}");
    let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    (name.strip_prefix("event: ").unwrap().to_owned(), data)
}

fn heard(look: &mut Look) -> Vec<(String, Value)> {
    let news = std::iter::from_fn(|| look.news.try_recv().ok());
    look.first.drain(..).chain(news).map(|event| read(&event)).collect()
}

fn names(heard: &[(String, Value)]) -> Vec<&str> {
    heard.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn who_comes_gets_the_picture_and_then_only_what_changed() {
    let mut world = World::new("{ id: a, name: Xã Á }, { id: b, name: Xã B }");
    world.judge(0, &[]);
    let mut vi = world.board.look(Language::Vi, 0);
    let mut en = world.board.look(Language::En, 0);
    let first = heard(&mut vi);
    assert_eq!(names(&first), ["beat", "picture"]);
    assert_eq!(first[1].1["sites"][0]["name"], "Xã Á");
    assert_eq!(first[1].1["sites"][0]["verdict"], "unknown");
    assert!(first[1].1["sites"][0]["why"].as_str().unwrap().contains("chưa bao giờ báo về"));
    assert_eq!(first[1].1["words"]["not_ready"], "chưa sẵn sàng");
    assert!(heard(&mut en)[1].1["sites"][0]["why"].as_str().unwrap().contains("never reported"));

    world.judge(1, &["b"]);
    let news = heard(&mut vi);
    assert_eq!(names(&news), ["change"]);
    let sites = &news[0].1["sites"];
    assert_eq!(sites["1"]["verdict"], "excused");
    assert!(sites["1"]["why"].as_str().unwrap().contains("sửa \"mái\"\nnhà"), "{sites}");
    assert_eq!(sites.get("0"), None, "nothing changed there");
    world.judge(2, &["b"]);
    assert!(heard(&mut vi).is_empty(), "nothing changed at all");
    let mut late = world.board.look(Language::Vi, 3);
    assert_eq!(heard(&mut late)[1].1["sites"][1]["verdict"], "excused");
}

#[test]
fn whoever_hears_nothing_new_hears_that_judging_goes_on() {
    let mut world = World::new("{ id: a, name: A }");
    world.judge(0, &[]);
    let mut look = world.board.look(Language::En, 0);
    heard(&mut look);
    world.judge(BEAT_MILLIS, &[]);
    assert_eq!(names(&heard(&mut look)), ["beat"]);
    world.judge(2 * BEAT_MILLIS - 1, &[]);
    assert!(heard(&mut look).is_empty());
    world.judge(2 * BEAT_MILLIS, &[]);
    let beat = &heard(&mut look)[0];
    assert_eq!(*beat, ("beat".to_owned(), json!({ "now": 20_000, "at": 20_000 })));
}

#[test]
fn another_inventory_or_calendar_is_told_from_the_beginning() {
    let mut world = World::new("{ id: a, name: A }");
    world.judge(0, &[]);
    let mut look = world.board.look(Language::Vi, 0);
    heard(&mut look);
    world.meetings = vec![meeting("m", 30, 90)];
    world.judge(1, &[]);
    let news = heard(&mut look);
    assert_eq!(names(&news), ["beat", "picture"]);
    assert_eq!(
        (&news[1].1["focus"], &news[1].1["meetings"][0]["sites"]),
        (&json!("m"), &json!([0]))
    );
    world.inventory = Arc::new(
        crate::inventory::parse("a.yaml".as_ref(), b"sites: [{ id: c, name: C }]").unwrap(),
    );
    world.judge(2, &[]);
    let news = heard(&mut look);
    assert_eq!(names(&news), ["beat", "picture"]);
    assert_eq!(news[1].1["sites"][0]["id"], "c");
}

#[test]
fn people_look_at_the_meeting_that_rooms_get_ready_for() {
    let mut world = World::new("{ id: a, name: A }");
    world.meetings =
        vec![meeting("long", 0, 300), meeting("next", 120, 180), meeting("last", 600, 660)];
    for (minute, focus) in [
        (-30, "long"),
        (59, "long"),
        (60, "next"),
        (119, "next"),
        (120, "next"),
        (180, "long"),
        (299, "long"),
        (300, "last"),
        (600, "last"),
    ] {
        world.judge(minute * MINUTE, &[]);
        let picture = Picture::of(&world.judged.latest(), Arc::default(), None);
        assert_eq!(picture.focus.as_deref(), Some(focus), "at minute {minute}");
    }
    world.judge(660 * MINUTE, &[]);
    assert_eq!(Picture::of(&world.judged.latest(), Arc::default(), None).focus, None);
}

#[test]
fn a_meeting_that_sees_a_site_otherwise_says_so() {
    let mut world = World::new("{ id: a, name: A }");
    // Two at one time: only in them the site is double booked.
    world.meetings = vec![meeting("one", 30, 90), meeting("two", 30, 90)];
    world.judge(0, &[]);
    let mut look = world.board.look(Language::En, 0);
    let first = heard(&mut look);
    let apart = &first[1].1["apart"];
    assert!(apart["one"]["0"]["verdict"].is_string(), "{apart}");
    world.meetings.pop();
    let before = Picture::of(&world.judged.latest(), Arc::default(), None);
    world.judge(1, &[]);
    let after = Picture::of(&world.judged.latest(), Arc::default(), Some(&before));
    let gone = Picture { meetings: before.meetings.clone(), ..after };
    let changes = gone.since(&before).unwrap();
    assert!(changes.apart.contains(&("one".to_owned(), 0)));
    let (_, change) = read(&events::change(&gone, &changes, Language::En, 1));
    assert_eq!(change["apart"]["one"]["0"], Value::Null, "{change}");
}

#[tokio::test]
async fn there_are_so_many_seats_and_a_seat_that_is_left_is_free() {
    let board = Arc::new(Board::new(Arc::default(), Arc::default()));
    let stop = CancellationToken::new();
    let mut answers = Vec::new();
    for _ in 0..STREAMS {
        answers.push(board.events(Some("lang=en"), None, stop.clone(), for_ever()).await);
    }
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
    let full = board.events(None, None, stop.clone(), for_ever()).await;
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(full.headers().contains_key(hyper::header::RETRY_AFTER));
    answers.pop();
    // Its task has to notice.
    while board.seats.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(board.events(None, None, stop, for_ever()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_reader_too_slow_for_the_changes_gets_the_picture_again_and_a_stop_ends_the_stream() {
    use http_body_util::BodyExt;
    let mut world = World::new("{ id: a, name: A }");
    world.judge(0, &[]);
    let stop = CancellationToken::new();
    let mut body = world.board.events(None, None, stop.clone(), for_ever()).await.into_body();
    for round in 0..4 * BEHIND {
        let excused: &[&str] = if round % 2 == 0 { &["a"] } else { &[] };
        world.judge(1, excused);
    }
    let mut pictures = 0;
    while pictures < 2 {
        let event = body.frame().await.unwrap().unwrap().into_data().unwrap();
        pictures += usize::from(parsed(&event).0 == "picture");
    }
    stop.cancel();
    while body.frame().await.is_some() {}
}

#[test]
fn the_language_is_vietnamese_unless_another_is_asked_for() {
    for (query, expected) in [
        (None, Language::Vi),
        (Some("lang=en"), Language::En),
        (Some("wall=1&lang=en"), Language::En),
        (Some("lang=fr"), Language::Vi),
        (Some("lang"), Language::Vi),
    ] {
        assert_eq!(language(query), expected, "{query:?}");
    }
}

#[test]
fn nothing_of_the_board_comes_from_elsewhere_or_writes_html() {
    for file in [File::Html, File::Css, File::Script] {
        let (_, text) = file.content();
        for foreign in [
            "http:",
            "https:",
            "url(",
            "@import",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "style=",
            "onclick=",
        ] {
            assert!(!text.contains(foreign), "{foreign} in {file:?}");
        }
    }
}

#[test]
fn the_script_has_every_word_in_both_languages() {
    let (_, script) = File::Script.content();
    let (vi, en) = script.split_once("\n  en: {").unwrap();
    let en = en.split_once("\n};").unwrap().0;
    let vi = vi.split_once("\n  vi: {").unwrap().1;
    let keys = |text: &str| -> BTreeSet<String> {
        let parts = text.split([' ', '\n']).filter_map(|part| part.strip_suffix(':'));
        parts
            .filter(|key| key.chars().all(char::is_alphabetic) && key.is_ascii())
            .map(str::to_owned)
            .collect()
    };
    let used = script.match_indices("words.").map(|(at, _)| {
        let rest = &script[at + "words.".len()..];
        rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap().to_owned()
    });
    let (_, html) = File::Html.content();
    let named =
        html.split("data-word=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    let used: BTreeSet<_> = used.chain(named).collect();
    let (vi, en) = (keys(vi), keys(en));
    for key in used {
        assert!(vi.contains(&key) && en.contains(&key), "{key}");
    }
}

#[test]
fn everybody_who_looks_on_hears_who_looks_after_a_site() {
    use crate::acknowledgements::{Trouble, tests::given};

    let mut world = World::new("{ id: a, name: A }, { id: b, name: B }");
    world.judge(0, &[]);
    let mut look = world.board.look(Language::En, 0);
    assert!(heard(&mut look)[1].1["sites"][1].get("given").is_none());
    let of = Trouble::Site("b".parse().unwrap());
    world.given.change(|all| drop(all.insert(of.clone(), given(100))));
    world.judge(1, &[]);
    let news = heard(&mut look);
    assert_eq!(names(&news), ["change"]);
    let told = json!({ "id": 1, "meeting": null, "who": "lan", "at": 0, "until": 100, "note": "đang gọi" });
    assert_eq!(news[0].1["given"], json!({ "1": told }));
    assert!(news[0].1.get("sites").is_none(), "its verdict is as it was");
    let whole = &heard(&mut world.board.look(Language::En, 1))[1].1;
    assert_eq!(whole["sites"][1]["given"], told);
    world.given.change(|all| drop(all.remove(&of)));
    world.judge(2, &[]);
    assert_eq!(heard(&mut look)[0].1["given"], json!({ "1": null }));
}
