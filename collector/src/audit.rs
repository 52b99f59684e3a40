//! The audit log's words, and its JSON. Pure.

use std::net::IpAddr;

use serde::Serialize;
use wire::Language;

use crate::api::Moment;
use crate::store::audit::Entry;

pub mod desk;

/// Entries that one answer holds; more are asked for by `before`.
pub const PAGE: usize = 200;

/// Who does something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// A user, or what else stands for one.
    pub who: String,
    /// None for commands on the collector's own machine.
    pub address: Option<IpAddr>,
}

#[cfg(test)]
impl Actor {
    /// Whoever it is, where a test does not care.
    pub(crate) fn somebody() -> Self {
        Self { who: "somebody".into(), address: None }
    }
}

macro_rules! acts {
    ($($name:ident $label:literal $vi:literal $en:literal,)*) => {
        /// What can be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Act { $(#[doc = $en] $name,)* }

        impl Act {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it stands in the log.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// As people call it.
            #[must_use]
            pub fn word(self, language: Language) -> &'static str {
                match self { $(Self::$name => language.pick($vi, $en),)* }
            }
        }
    };
}

acts! {
    SignedIn "sign_in" "đăng nhập" "signed in",
    SignInRefused "sign_in_refused" "đăng nhập bị từ chối" "sign-in refused",
    SignedOut "sign_out" "đăng xuất" "signed out",
    UserAdded "user_add" "thêm người dùng" "user added",
    UserRole "user_role" "đổi quyền người dùng" "user's role changed",
    UserPassword "user_password" "đổi mật khẩu" "user's password changed",
    UserRemoved "user_remove" "xóa người dùng" "user removed",
    AbsenceAdded "absence_add" "báo vắng" "excused",
    AbsenceRemoved "absence_remove" "bỏ báo vắng" "excuse taken back",
    MeetingAdded "meeting_add" "thêm cuộc họp" "meeting added",
    MeetingChanged "meeting_change" "sửa cuộc họp" "meeting changed",
    MeetingRemoved "meeting_remove" "bỏ cuộc họp" "meeting removed",
    Attendance "attendance" "nhập danh sách có mặt" "attendance posted",
    CodeMade "code_make" "cấp mã ghi danh" "enrolment code made",
    FleetCodeMade "fleet_code_make" "cấp mã chung" "fleet's code made",
    Revoked "revoke" "thu hồi quyền của điểm cầu" "site revoked",
    Assigned "assign" "gán máy cho điểm cầu" "PC assigned to a site",
    Acknowledged "acknowledge" "ghi nhận sự cố" "trouble acknowledged",
    Unacknowledged "acknowledgement_remove" "bỏ ghi nhận" "acknowledgement taken back",
    UpdateOffered "update_offer" "đưa bản cập nhật ra" "update offered",
    UpdateStopped "update_stop" "dừng bản cập nhật" "update stopped",
}

/// What people call an act that stands in the log; the label itself where it is not known.
#[must_use]
pub fn word(label: &str, language: Language) -> &str {
    Act::ALL.iter().find(|act| act.label() == label).map_or(label, |act| act.word(language))
}

#[derive(Serialize)]
struct Page<'a> {
    entries: Vec<Line<'a>>,
    /// What to ask for next as `?before=`; none where this is all.
    more_before: Option<i64>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    at: Moment,
    who: &'a str,
    address: &'a str,
    act: &'a str,
    word: &'a str,
    subject: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
}

/// `/api/v1/audit`, of what the store returned when asked for [`PAGE`] entries.
#[must_use]
pub fn page(entries: &[Entry], language: Language) -> Vec<u8> {
    let more_before = entries.last().filter(|_| entries.len() == PAGE).map(|entry| entry.id);
    let page =
        Page { entries: entries.iter().map(|entry| line(entry, language)).collect(), more_before };
    // It fails for maps whose keys are not texts, and there are none here.
    serde_json::to_vec(&page).unwrap_or_default()
}

fn line(entry: &Entry, language: Language) -> Line<'_> {
    let Entry { id, at, who, address, act, subject, before, after } = entry;
    let (before, after) = (before.as_deref(), after.as_deref());
    let word = word(act, language);
    Line { id: *id, at: Moment(*at), who, address, act, word, subject, before, after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_says_where_the_next_begins() {
        let entry = |id| Entry {
            id,
            at: 0,
            who: "lan".to_owned(),
            address: String::new(),
            act: "meeting_add".to_owned(),
            subject: "<b>".to_owned(),
            before: None,
            after: None,
        };
        let full: Vec<_> = (1..=PAGE).rev().map(|id| entry(i64::try_from(id).unwrap())).collect();
        let json = |entries: &[Entry]| -> serde_json::Value {
            serde_json::from_slice(&page(entries, Language::Vi)).unwrap()
        };
        assert_eq!(json(&full)["more_before"], 1);
        let rest = json(&full[..1]);
        assert!(rest["more_before"].is_null());
        assert_eq!(rest["entries"][0]["word"], "thêm cuộc họp");
        assert_eq!(rest["entries"][0]["at"], "1970-01-01T00:00:00Z");
        assert_eq!(word("of a newer program", Language::En), "of a newer program");
    }
}
