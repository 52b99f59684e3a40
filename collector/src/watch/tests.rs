use std::path::PathBuf;

use super::*;

const ONE: &str = "sites: [{ id: a, name: A }]";
const TWO: &str = "sites: [{ id: a, name: A renamed }, { id: b, name: B }]";
const BAD: &str = "sites: [{ id: a, name: }]";

struct Scene {
    _directory: tempfile::TempDir,
    path: PathBuf,
    calendars: PathBuf,
    telemetry: Arc<Telemetry>,
    watch: Watch,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sites.yaml");
        std::fs::write(&path, ONE).unwrap();
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let calendars = directory.path().join("meetings");
        std::fs::create_dir(&calendars).unwrap();
        let text = "agents: { names: [a] }\ninventory: sites.yaml\nmeetings: meetings\nabsences: absences.yaml\n";
        let file = directory.path().join("collector.yaml");
        std::fs::write(&file, text).unwrap();
        std::fs::write(directory.path().join("absences.yaml"), "absences: []").unwrap();
        let config = Config::read(&file).unwrap();
        let store = crate::store::open(&directory.path().join("state")).unwrap();
        let inbox = Arc::new(Inbox::open(store, &[]).unwrap());
        let (inventory, news, mut watch) =
            Watch::begin(&config, inbox, Arc::clone(&telemetry)).unwrap();
        assert_eq!((news.calendar, news.absences), (None, Some(vec![])));
        assert_eq!(inventory.sites.len(), 1);
        while watch.inventory.calm.is_stirred() {
            watch.look(false);
        }
        Self { _directory: directory, path, calendars, telemetry, watch }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
    }

    /// Two looks, after which a change that has come to rest is known.
    fn look(&mut self) -> Option<usize> {
        let inventory =
            self.watch.look(false).inventory.or_else(|| self.watch.look(false).inventory);
        inventory.map(|inventory| inventory.sites.len())
    }

    /// Ids and titles of the calendar, where two looks find a new one.
    fn look_for_meetings(&mut self) -> Option<String> {
        let calendar =
            self.watch.look(false).calendar.or_else(|| self.watch.look(false).calendar)?;
        let meetings = calendar.meetings.values();
        let told = meetings.map(|(meeting, _)| format!("{} {}", meeting.id, meeting.title));
        Some(told.collect::<Vec<_>>().join(", "))
    }

    fn save(&self, name: &str, text: &str) {
        std::fs::write(self.calendars.join(name), text).unwrap();
    }

    fn successful(&self) -> i64 {
        self.telemetry.config_last_reload_successful.get()
    }
}

#[test]
fn a_saved_change_is_taken_once() {
    let mut scene = Scene::new();
    assert_eq!(scene.look(), None);
    scene.write(TWO);
    assert_eq!(scene.look(), Some(2));
    assert_eq!(scene.look(), None);
    assert!(scene.telemetry.config_last_reload_success_timestamp_seconds.get() > 1e9);
}

#[test]
fn a_bad_file_leaves_everything_as_it_was_until_it_is_mended() {
    let mut scene = Scene::new();
    assert_eq!(scene.successful(), 1);
    scene.write(BAD);
    assert_eq!((scene.look(), scene.successful()), (None, 0));
    assert_eq!((scene.look(), scene.successful()), (None, 0));
    scene.write(ONE);
    assert_eq!((scene.look(), scene.successful()), (None, 1), "the old content is in force");
    scene.write(TWO);
    assert_eq!((scene.look(), scene.successful()), (Some(2), 1));
}

#[test]
fn a_file_that_is_gone_for_a_moment_is_no_fault() {
    let mut scene = Scene::new();
    std::fs::remove_file(&scene.path).unwrap();
    assert_eq!(scene.watch.look(false).inventory, None);
    scene.write(TWO);
    assert_eq!((scene.look(), scene.successful()), (Some(2), 1));
    std::fs::remove_file(&scene.path).unwrap();
    assert_eq!((scene.look(), scene.successful()), (None, 0), "gone for good");
}

#[test]
fn a_file_under_a_new_name_takes_the_old_ones_place() {
    let mut scene = Scene::new();
    let new = scene.path.with_extension("new");
    std::fs::write(&new, TWO).unwrap();
    std::fs::rename(&new, &scene.path).unwrap();
    assert_eq!(scene.look(), Some(2));
}

#[test]
fn who_asks_is_answered_at_once() {
    let mut scene = Scene::new();
    scene.write(TWO);
    assert_eq!(scene.watch.look(true).inventory.unwrap().sites.len(), 2);
    assert_eq!(scene.watch.look(true).inventory, None);
    scene.write(BAD);
    assert_eq!((scene.watch.look(true).inventory, scene.successful()), (None, 0));
}

#[test]
fn without_a_first_inventory_there_is_nothing_to_begin_with() {
    let scene = Scene::new();
    std::fs::remove_file(&scene.path).unwrap();
    let config = Config::read(&scene.path.with_file_name("collector.yaml")).unwrap();
    let store = crate::store::open(&config.state_dir).unwrap();
    let inbox = Arc::new(Inbox::open(store, &[]).unwrap());
    assert!(Watch::begin(&config, inbox, Arc::clone(&scene.telemetry)).is_err());
}

fn meeting(id: &str, title: &str) -> String {
    format!("meetings: [{{ id: {id}, title: {title}, start: 2026-11-23T07:30, duration: 1h }}]")
}

#[test]
fn meetings_are_added_changed_and_taken_away_while_running() {
    let mut scene = Scene::new();
    assert_eq!(scene.look_for_meetings(), None);
    scene.save("a.yaml", &meeting("a", "A"));
    assert_eq!(scene.look_for_meetings(), Some("a A".to_owned()));
    scene.save("b.yml", &meeting("b", "B"));
    scene.save("notes.txt", "not a calendar");
    scene.save(".b.yml.swp", "what an editor leaves");
    assert_eq!(scene.look_for_meetings(), Some("a A, b B".to_owned()));
    scene.save("a.yaml", &meeting("a", "Moved"));
    assert_eq!(scene.look_for_meetings(), Some("a Moved, b B".to_owned()));
    std::fs::remove_file(scene.calendars.join("a.yaml")).unwrap();
    assert_eq!(scene.look_for_meetings(), Some("b B".to_owned()));
    assert_eq!(scene.look_for_meetings(), None);
    assert_eq!(scene.successful(), 1);
}

#[test]
fn a_bad_calendar_keeps_its_last_good_meetings_and_holds_up_no_other() {
    let mut scene = Scene::new();
    scene.save("a.yaml", &meeting("a", "A"));
    assert_eq!(scene.look_for_meetings(), Some("a A".to_owned()));
    scene.save("a.yaml", "meetings: [{ id: a }]");
    assert_eq!((scene.look_for_meetings(), scene.successful()), (None, 0));
    scene.save("b.yaml", &meeting("b", "B"));
    assert_eq!((scene.look_for_meetings(), scene.successful()), (Some("a A, b B".to_owned()), 0));
    scene.write(TWO);
    assert_eq!((scene.look(), scene.successful()), (Some(2), 0), "a.yaml is bad still");
    scene.save("a.yaml", &meeting("a", "A"));
    assert_eq!((scene.look_for_meetings(), scene.successful()), (None, 1));
}

#[test]
fn one_id_in_two_files_is_a_fault_until_it_is_mended() {
    let mut scene = Scene::new();
    scene.save("a.yaml", &meeting("a", "A"));
    scene.save("b.yaml", &meeting("a", "B"));
    assert_eq!((scene.look_for_meetings(), scene.successful()), (Some("a A".to_owned()), 0));
    scene.save("b.yaml", &meeting("b", "B"));
    assert_eq!((scene.look_for_meetings(), scene.successful()), (Some("a A, b B".to_owned()), 1));
}

#[test]
fn a_directory_that_is_gone_is_a_fault_and_its_meetings_stay() {
    let mut scene = Scene::new();
    scene.save("a.yaml", &meeting("a", "A"));
    assert_eq!(scene.look_for_meetings(), Some("a A".to_owned()));
    let aside = scene.calendars.with_extension("aside");
    std::fs::rename(&scene.calendars, &aside).unwrap();
    assert_eq!((scene.look_for_meetings(), scene.successful()), (None, 0));
    std::fs::rename(&aside, &scene.calendars).unwrap();
    assert_eq!((scene.look_for_meetings(), scene.successful()), (None, 1));
}

#[test]
fn bad_absences_leave_the_last_good_ones_in_force_and_show() {
    let mut scene = Scene::new();
    let path = scene.path.with_file_name("absences.yaml");
    let mut look = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let news = scene.watch.look(false).absences.or_else(|| scene.watch.look(false).absences);
        (news.map(|absences| absences.len()), scene.successful())
    };
    let one = "absences: [{ site: a, from: 2026-11-23, to: 2026-11-23, reason: x }]";
    assert_eq!(look(one), (Some(1), 1));
    assert_eq!(look(&one[..60]), (None, 0));
    assert_eq!(look("absences: []"), (Some(0), 1));
}
