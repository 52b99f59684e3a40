//! Everything that can be asked for, and who may ask. Pure.

use hyper::Method;
use wire::limits;

use crate::board::File;

/// Which listener a request came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Agents, over TLS.
    Agents,
    /// Prometheus and people.
    Operations,
}

/// One row of the table.
pub(super) struct Route<'a> {
    /// The `endpoint` in metrics.
    pub(super) name: &'static str,
    pub(super) methods: &'static [Method],
    pub(super) access: Access,
    pub(super) action: Action<'a>,
}

impl Route<'_> {
    /// HEAD is GET whose body hyper leaves out.
    pub(super) fn has(&self, asked: &Method) -> bool {
        let wanted = if asked == Method::HEAD { &Method::GET } else { asked };
        self.methods.contains(wanted)
    }
}

/// Who may ask.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Anyone,
    /// Whoever has a site's credential.
    Agent,
    /// Whoever may read; for methods that change something, whoever may act.
    Reader,
    /// Whoever may act.
    Operator,
}

pub(super) enum Action<'a> {
    Enrol,
    Reports,
    Profile,
    Update,
    UpdatePart(&'a str),
    Board(File),
    BoardEvents,
    BoardSite(&'a str),
    SignIn,
    SignOut,
    Who,
    Audit,
    Contents,
    Metrics,
    Healthy,
    Ready,
    Sites,
    Site(&'a str),
    Meetings,
    Meeting(&'a str),
    RollCall(&'a str),
    Attendance(&'a str),
    Absences,
    Absence(&'a str),
    Acknowledgements,
    Acknowledgement(&'a str),
    Waiting,
    Assign(&'a str),
    Profiles,
    Updates,
}

/// Everything that can be asked for.
#[rustfmt::skip]
pub(super) fn route(port: Port, path: &str) -> Option<Route<'_>> {
    use Access::{Agent, Anyone, Operator, Reader};
    use Port::{Agents, Operations};
    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];
    const LIST: &[Method] = &[Method::GET, Method::POST];
    const DELETE: &[Method] = &[Method::DELETE];
    const ONE: &[Method] = &[Method::GET, Method::PUT, Method::DELETE];
    let (name, methods, access, action) = match (port, path) {
        (Agents, limits::ENROL_PATH)    => ("enroll",  POST, Anyone, Action::Enrol),
        (Agents, limits::REPORTS_PATH)  => ("reports", POST, Agent,  Action::Reports),
        (Agents, limits::PROFILE_PATH)  => ("profile", GET,  Agent,  Action::Profile),
        (Agents, limits::UPDATE_PATH)   => ("update",  GET,  Agent,  Action::Update),
        (Agents, path) if let Some(id) = of_update(path)
                                        => ("update_part", GET, Agent, Action::UpdatePart(id)),
        (Operations, "/")               => ("board",   GET,  Anyone, Action::Board(File::Html)),
        (Operations, "/board.css")      => ("board",   GET,  Anyone, Action::Board(File::Css)),
        (Operations, "/board.js")       => ("board",   GET,  Anyone, Action::Board(File::Script)),
        // Whoever opens an address of the API in a browser is asked for the latter.
        (Operations, "/favicon.svg" | "/favicon.ico")
                                        => ("board",   GET,  Anyone, Action::Board(File::Icon)),
        (Operations, "/board/events")   => ("board_events", GET, Reader, Action::BoardEvents),
        (Operations, path) if let Some(id) = path.strip_prefix("/board/sites/")
                                        => ("board_site", GET, Reader, Action::BoardSite(id)),
        (Operations, "/board/sign-in")  => ("sign_in",  POST, Anyone, Action::SignIn),
        (Operations, "/board/sign-out") => ("sign_out", POST, Anyone, Action::SignOut),
        (Operations, "/board/session")  => ("session",  GET,  Anyone, Action::Who),
        (Operations, "/-/healthy")      => ("healthy", GET,  Anyone, Action::Healthy),
        (Operations, "/-/ready")        => ("ready",   GET,  Anyone, Action::Ready),
        (Operations, "/metrics")        => ("metrics", GET,  Reader, Action::Metrics),
        (Operations, "/api/v1")         => ("contents", GET, Anyone, Action::Contents),
        (Operations, "/api/v1/sites")   => ("sites",   GET,  Reader, Action::Sites),
        (Operations, path) if let Some(id) = path.strip_prefix("/api/v1/sites/")
                                        => ("site",    GET,  Reader, Action::Site(id)),
        (Operations, path) if let Some(id) = of_meeting(path, "/roll-call")
                                        => ("roll_call", GET, Reader, Action::RollCall(id)),
        (Operations, path) if let Some(id) = of_meeting(path, "/attendance")
                                        => ("attendance", POST, Reader, Action::Attendance(id)),
        (Operations, "/api/v1/meetings") => ("meetings", LIST, Reader, Action::Meetings),
        (Operations, path) if let Some(id) = of_meeting(path, "")
                                        => ("meeting", ONE, Reader, Action::Meeting(id)),
        (Operations, "/api/v1/profiles") => ("profiles", GET, Reader, Action::Profiles),
        (Operations, "/api/v1/updates") => ("updates", GET, Reader, Action::Updates),
        (Operations, "/api/v1/audit")   => ("audit", GET, Operator, Action::Audit),
        (Operations, "/api/v1/absences") => ("absences", LIST, Reader, Action::Absences),
        (Operations, path) if let Some(id) = path.strip_prefix("/api/v1/absences/")
                                        => ("absence", DELETE, Reader, Action::Absence(id)),
        (Operations, "/api/v1/acknowledgements")
                                        => ("acknowledgements", LIST, Reader, Action::Acknowledgements),
        (Operations, path) if let Some(id) = path.strip_prefix("/api/v1/acknowledgements/")
                                        => ("acknowledgement", DELETE, Reader, Action::Acknowledgement(id)),
        (Operations, "/api/v1/waiting") => ("waiting", GET, Operator, Action::Waiting),
        (Operations, path) if let Some(id) = path.strip_prefix("/api/v1/waiting/")
                                        => ("assign", POST, Operator, Action::Assign(id)),
        _ => return None,
    };
    Some(Route { name, methods, access, action })
}

/// The id in `/v1/update/{id}`.
fn of_update(path: &str) -> Option<&str> {
    path.strip_prefix(limits::UPDATE_PATH)?.strip_prefix('/')
}

/// The id in `/api/v1/meetings/{id}/…`.
fn of_meeting<'a>(path: &'a str, what: &str) -> Option<&'a str> {
    path.strip_prefix("/api/v1/meetings/")?.strip_suffix(what)
}

/// What is said at `/api/v1`.
pub(super) const CONTENTS: &str = "\
Nhip Cau collector

/                                 the board: who is ready for the next meeting
/metrics                          for Prometheus: text 0.0.4 or OpenMetrics 1.0
/api/v1/sites                     every site, JSON
/api/v1/sites/{id}                one site with its readings, JSON
/api/v1/meetings                  every meeting and its next 14 days; POST adds one
/api/v1/meetings/{id}             one meeting; PUT changes it, DELETE takes it away
/api/v1/meetings/{id}/roll-call   what was known at T-15, T-5 and T-0, JSON
/api/v1/meetings/{id}/attendance  POST who took part, JSON or CSV
/api/v1/absences                  who is excused, and until when; POST adds one
/api/v1/absences/{id}             DELETE takes one of those away again
/api/v1/acknowledgements          who looks after which trouble; POST says that somebody does
/api/v1/acknowledgements/{id}     DELETE takes that back
/api/v1/profiles                  which probes each site is to run, and how a change stands
/api/v1/updates                   which version agents are given, and how each stands
/api/v1/audit                     who did what, the latest first; ?before=ID goes on
/api/v1/waiting                   PCs that enrolled with the fleet's code and are no site yet
/api/v1/waiting/{id}              POST makes one of them a site
/-/healthy                        whether the program lives
/-/ready                          whether it takes reports
";

/// An id as it stood in front of its way into an address (RFC 3986 §2.1): an occurrence's has
/// `@` and `:`, which some clients escape.
pub(crate) fn decoded(id: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex =
            after.get(..2).filter(|hex| first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let byte = hex.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).ok()
}
