//! Both ends over real pipes.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokio::runtime::Builder;

use super::super::helper;
use super::*;

/// Each test has a pipe of its own.
static PIPES: AtomicU32 = AtomicU32::new(0);

/// A service, on a thread that ends with it.
struct Service {
    pipe: String,
    asked: Option<mpsc::Sender<Asked>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Service {
    fn start(at_the_screen: fn() -> u32) -> Self {
        let number = PIPES.fetch_add(1, Ordering::Relaxed);
        let pipe = format!(r"\\.\pipe\nhipcau-test-{}-{number}", std::process::id());
        let (asked, questions) = mpsc::channel(QUESTIONS);
        let name = pipe.clone();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(hear(&name, questions, at_the_screen));
        });
        Self { pipe, asked: Some(asked), thread: Some(thread) }
    }

    fn ask(&self, about: Topic) -> Result<Told, &'static str> {
        let (answer, answered) = answers::sync_channel(1);
        self.asked.as_ref().unwrap().try_send(Asked { about, answer }).ok().unwrap();
        answered.recv_timeout(Duration::from_mins(1)).unwrap()
    }

    /// What it is told once a helper has been heard.
    fn ask_until_answered(&self, about: Topic) -> Told {
        loop {
            match self.ask(about) {
                Ok(told) => return told,
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// The other end, as soon as there is one that is free.
    fn open(&self) -> File {
        let mut options = OpenOptions::new();
        options.access_mode(HELPER_RIGHTS).share_mode(0);
        loop {
            match options.open(&self.pipe) {
                Ok(pipe) => return pipe,
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn helper(&self) -> thread::JoinHandle<io::Result<()>> {
        let pipe = self.open();
        thread::spawn(move || helper::serve(pipe))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.asked = None;
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_service_hears_from_a_helper_what_its_session_tells_and_the_helper_ends_with_it() {
    let service = Service::start(console_session);
    let nobody = service.ask(Topic::Speakers).unwrap_err();
    assert!(nobody.contains("no helper"), "{nobody}");
    let helper = service.helper();
    let told = service.ask_until_answered(Topic::CameraConsent);
    assert!(matches!(&told, Told::Consent(consent) if consent.users.len() <= 1), "{told:?}");
    drop(service);
    // The pipe was closed.
    helper.join().unwrap().unwrap_err();
}

#[test]
fn the_pipe_is_known_by_the_process_that_made_it() {
    let service = Service::start(console_session);
    assert_eq!(helper::holder(&service.open()), Some(std::process::id()));
}

#[test]
fn the_service_and_an_update_below_it_are_believed_and_nobody_else_is() {
    let parents = |process| [(20, 10), (30, 4)].into_iter().find(|(id, _)| *id == process);
    let believed =
        |holder| helper::is_the_services(holder, 10, |id| parents(id).map(|(_, parent)| parent));
    assert!(believed(10) && believed(20));
    assert!(!believed(30) && !believed(4) && !believed(50));
}

#[test]
fn whoever_is_not_at_the_pcs_own_screen_is_not_asked() {
    let service = Service::start(|| u32::MAX);
    let mut pipe = service.open();
    for _ in 0..3 {
        service.ask(Topic::Displays).unwrap_err();
    }
    drop(service);
    let mut heard = Vec::new();
    let _ = pipe.read_to_end(&mut heard);
    assert!(heard.is_empty(), "{heard:?}");
}

#[test]
fn a_helper_that_answers_nonsense_is_dropped_and_the_next_one_is_heard() {
    let service = Service::start(console_session);
    let mut stranger = service.open();
    stranger.write_all(&[255; 4]).unwrap();
    while service.ask(Topic::CameraConsent) != Err("its helper has ended") {
        thread::sleep(Duration::from_millis(20));
    }
    stranger.write_all(b"late").unwrap_err();
    let _helper = service.helper();
    service.ask_until_answered(Topic::CameraConsent);
}

#[test]
fn a_helper_that_never_answers_costs_its_answer_and_no_more() {
    let service = Service::start(console_session);
    let _dumb = service.open();
    while service.ask(Topic::Speakers) != Err("its helper does not answer") {
        thread::sleep(Duration::from_millis(20));
    }
    let _helper = service.helper();
    service.ask_until_answered(Topic::CameraConsent);
}
