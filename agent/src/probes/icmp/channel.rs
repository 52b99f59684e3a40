//! A burst's channel and its books, in the hands of the thread that sends and of the flight.
//!
//! What an echo each tenth of a second costs is waking up. A thread that sleeps and sends does
//! with two calls to the system; on the runtime it would be a timer, `epoll` and a round of its
//! queues for each, half as much again. And a runtime that is held up delays no request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use super::burst::{Burst, Counted};
use super::course::Course;
use crate::platform::echo::{Arrival, Notice};
use crate::platform::{Ping, wake_late};
use crate::tally::Run;

/// Requests between two looks. Replies wait with their stamps, and each look costs a call even
/// where nothing waits. A socket of Linux holds 208 KiB, which a reply fills with up to 4: so many
/// fit three times over.
const LOOK_EACH: u16 = 16;

/// Sending and hearing are calls to the system, and none of ours that is deep.
const STACK_BYTES: usize = 128 * 1024;

/// What a burst goes through, and its books. A thread of its own sends and hears; whoever began
/// the burst reads, and stops it.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<Channel>>);

#[derive(Debug)]
pub(super) struct Channel {
    ping: Ping,
    pub(super) course: Course,
    pub(super) burst: Burst,
    /// The last ICMP error.
    pub(super) notice: Option<Notice>,
    /// Why the system refused the last request it refused.
    pub(super) refusal: Option<io::Error>,
    news: News,
}

/// What stands in no total yet: totals are the run's, and the run the runtime's.
#[derive(Debug, Default)]
struct News {
    sent: u16,
    refused: u16,
    received: Vec<Duration>,
    duplicate: u32,
    late: u32,
}

impl Shared {
    /// Begins the burst. The error says that the system has no further thread.
    pub(super) fn begin(ping: Ping, course: Course, burst: Burst) -> io::Result<Self> {
        let (news, notice, refusal) = (News::default(), None, None);
        let channel = Channel { ping, course, burst, notice, refusal, news };
        let shared = Self(Arc::new(Mutex::new(channel)));
        let sender = shared.clone();
        let thread = thread::Builder::new().name("echo".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(move || sender.send())?;
        Ok(shared)
    }

    /// Sends each request at its moment. Of a burst that was stopped it hears at the next one.
    fn send(&self) {
        wake_late(self.lock().course.slack());
        let mut due = self.lock().course.due();
        while let Some(moment) = due {
            thread::sleep(moment.saturating_duration_since(Instant::now()));
            due = self.lock().depart(Instant::now());
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Channel> {
        // Books of which half is wrong are still the best there are.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel {
    /// Sends the next request; answers when the one after it is due.
    fn depart(&mut self, now: Instant) -> Option<Instant> {
        let index = self.course.depart(now)?;
        if index % LOOK_EACH == LOOK_EACH - 1 {
            self.hear();
        }
        match self.ping.send(index) {
            Ok(()) => {
                self.burst.sent(index);
                self.news.sent += 1;
            }
            Err(error) => {
                self.news.refused += 1;
                self.refusal = Some(error);
            }
        }
        self.course.due()
    }

    /// Takes what has come back.
    pub(super) fn hear(&mut self) {
        for arrival in self.ping.waiting() {
            match arrival {
                Arrival::Reply { index, rtt } => match self.burst.reply(index, rtt) {
                    Counted::Received => self.news.received.push(rtt),
                    Counted::Duplicate => self.news.duplicate += 1,
                    Counted::Late => self.news.late += 1,
                    Counted::Foreign => {}
                },
                Arrival::Undeliverable { index, notice } => {
                    self.burst.undeliverable(index);
                    self.notice = Some(notice);
                }
            }
        }
    }

    /// Whether listening longer brings nothing.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let answered = self.course.is_over() && self.burst.settled();
        answered || now >= self.course.heard_until()
    }

    /// Sends nothing more, and tells what came until now.
    pub(super) fn close(&mut self, run: &mut Run<'_>) {
        self.course.stop();
        self.hear();
        self.tell(run);
    }

    /// Adds what happened since it was last told to the totals. Each is told also where nothing
    /// happened: a total that is there from the first run on can be seen to rise from 0.
    fn tell(&mut self, run: &mut Run<'_>) {
        let news = mem::take(&mut self.news);
        run.count("bridge_probe_packets_sent_total", f64::from(news.sent));
        run.count("bridge_probe_send_errors_total", f64::from(news.refused));
        run.count("bridge_probe_packets_received_total", news.received.len() as f64);
        run.count("bridge_probe_packets_duplicate_total", f64::from(news.duplicate));
        run.count("bridge_probe_packets_late_total", f64::from(news.late));
        for rtt in news.received {
            run.observe("bridge_probe_rtt_seconds", rtt.as_secs_f64());
        }
    }
}
