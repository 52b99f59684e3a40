//! Follows the directory of calendars, each file by itself, and what is fetched beside it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wire::Language;
use wire::yaml::Fault;

use super::Finding;
use super::calm::{Calm, Stamp, stamp};
use crate::meetings::Calendar;
use crate::meetings::files::{self, Content, Text};
use crate::polling::Inbox;

/// What the file system says of the directory; none where it cannot be listed.
type Stamps = Option<Vec<(PathBuf, Stamp)>>;

/// The directory, and what was last made of it.
#[derive(Debug)]
pub(super) struct Follower {
    directory: Option<PathBuf>,
    /// What is fetched, and the version of it that was judged.
    inbox: Arc<Inbox>,
    fetched: u64,
    calm: Calm<Stamps>,
    files: BTreeMap<PathBuf, File>,
    /// The faults said last.
    said: Vec<Fault>,
    calendar: Calendar,
}

/// One file.
#[derive(Debug, Default)]
struct File {
    /// The content last judged; none where it could not be read.
    judged: Option<[u8; 32]>,
    faults: Vec<Fault>,
    /// The last good content.
    content: Option<Arc<Content>>,
}

impl Follower {
    pub(super) fn new(directory: Option<&Path>, inbox: Arc<Inbox>) -> Self {
        Self {
            directory: directory.map(Path::to_owned),
            inbox,
            fetched: 0,
            calm: Calm::default(),
            files: BTreeMap::new(),
            said: Vec::new(),
            calendar: Calendar::default(),
        }
    }

    /// Looks whether a file has changed, come or gone, or something was fetched; gives the new
    /// calendar, if there is one.
    pub(super) fn look(&mut self) -> Finding<Calendar> {
        let listed = self.list();
        let stamps = listed.as_ref().ok();
        let stamps = stamps.map(|paths| paths.iter().map(|p| (p.clone(), stamp(p))).collect());
        let fetched = self.inbox.version() != self.fetched;
        if !self.calm.read_now(stamps) && !fetched {
            return Finding::NOTHING;
        }
        self.judge(listed, false)
    }

    /// Reads all because somebody asked; says faults even if they were said before.
    pub(super) fn reload(&mut self) -> Finding<Calendar> {
        self.said.clear();
        self.inbox.ask();
        let listed = self.list();
        self.judge(listed, true)
    }

    fn list(&self) -> io::Result<Vec<PathBuf>> {
        self.directory.as_deref().map_or(Ok(Vec::new()), files::list)
    }

    fn judge(&mut self, listed: io::Result<Vec<PathBuf>>, asked: bool) -> Finding<Calendar> {
        let (mut faults, mut anew) = (Vec::new(), asked);
        match listed {
            Ok(paths) => {
                let before = self.files.len();
                self.files.retain(|path, _| paths.contains(path));
                anew |= self.files.len() != before;
                for path in paths {
                    let file = self.files.entry(path.clone()).or_default();
                    anew |= file.read(&path);
                    faults.extend(file.faults.iter().cloned());
                }
            }
            // The files are as they were, as far as anybody knows.
            Err(error) => {
                let directory = self.directory.as_deref().unwrap_or(Path::new(""));
                faults.extend(files::unread(directory, &error).0);
            }
        }
        // First the version: what is found after it is found by the next look.
        let version = self.inbox.version();
        anew |= std::mem::replace(&mut self.fetched, version) != version;
        let (fetched, wrong) = self.inbox.found();
        faults.extend(wrong);
        let good = self.files.iter().filter_map(|(path, file)| {
            file.content.as_ref().map(|content| (path.clone(), Arc::clone(content)))
        });
        let (calendar, between) = files::assemble(&good.chain(fetched).collect());
        faults.extend(between);
        anew |= faults != self.said;
        let judged = anew.then_some(faults.is_empty());
        self.say(faults);
        Finding { judged, new: self.take(calendar) }
    }

    fn say(&mut self, faults: Vec<Fault>) {
        if faults != self.said {
            for fault in &faults {
                tracing::error!("{fault}");
            }
            if !faults.is_empty() {
                tracing::error!("calendar: what has faults stays as it was");
            }
            self.said = faults;
        }
    }

    fn take(&mut self, calendar: Calendar) -> Option<Calendar> {
        if calendar == self.calendar {
            return None;
        }
        for remark in
            calendar.remarks.iter().filter(|remark| !self.calendar.remarks.contains(remark))
        {
            let told = remark.told(Language::En);
            if remark.is_loss() {
                tracing::warn!("calendar: {told}");
            } else {
                tracing::info!("calendar: {told}");
            }
        }
        tracing::info!("calendar: {} meetings now", calendar.meetings.len());
        self.calendar = calendar.clone();
        Some(calendar)
    }
}

impl File {
    /// Says whether the content is another one.
    fn read(&mut self, path: &Path) -> bool {
        let (bytes, saved) = match files::read(path) {
            Ok(read) => read,
            Err(faults) => {
                self.judged = None;
                self.faults = faults.0;
                return false;
            }
        };
        let digest = Sha256::digest(&bytes).into();
        if self.judged == Some(digest) {
            return false;
        }
        self.judged = Some(digest);
        self.faults.clear();
        match files::parse(path, Text::new(&bytes, saved)) {
            Ok(content) => self.content = Some(content),
            Err(faults) => self.faults = faults.0,
        }
        true
    }
}
