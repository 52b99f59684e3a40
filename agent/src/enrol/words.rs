//! What the person at the terminal reads.

use std::io;

use wire::Language;
use wire::enrolment::{EnrolError, InvalidCode};

use super::{Enrolled, Failure, Outcome};
use crate::identity::IdentityError;
use crate::platform::ENROL_WITH_RIGHTS;
use crate::uplink::client::Failed;
use crate::way::way;

/// A clock that is further off is told; nothing depends on it.
const CLOCK_OFF_SECONDS: u64 = 300;

/// Where the collector did not say when to come back.
const A_WHILE_SECONDS: u64 = 60;

impl Outcome {
    pub(super) fn told(&self, language: Language) -> String {
        match self {
            Self::Enrolled(enrolled) => enrolled.told(language),
            Self::Kept(failure) => {
                let kept = language.pick(
                    "Máy này giữ mã ghi danh và tự ghi danh ngay khi làm được, không cần làm gì thêm. Lý do lúc này chưa ghi danh được:",
                    "This PC keeps its enrolment code and enrols by itself as soon as it can. Why it could not now:",
                );
                format!("{kept}\n{}", failure.told(language))
            }
            Self::Waiting { number, collector } => language.pick(
                format!(
                    "{collector} đã nhận máy này; máy chờ được gán cho điểm cầu với số {number}.\nGọi đơn vị vận hành và đọc số {number}; gán xong, agent tự ghi danh trong ít phút, không cần làm gì thêm."
                ),
                format!(
                    "{collector} has taken this PC; it waits for its site under the number {number}.\nCall operations and read out {number}; once it is assigned, the agent enrols by itself within minutes."
                ),
            ),
        }
    }
}

impl Enrolled {
    pub(super) fn told(&self, language: Language) -> String {
        let Self { site, name, collector, .. } = self;
        let mut lines = vec![language.pick(
            format!("Đã ghi danh điểm cầu {site} ({name}) với {collector}."),
            format!("Enrolled as site {site} ({name}) with {collector}."),
        )];
        if let Some((vi, en)) = self.clock() {
            lines.push(language.pick(vi, en));
        }
        if self.replaced {
            lines.push(language.pick(
                "Ghi danh trước đó của máy này đã được thay thế. Nếu agent đang chạy, hãy khởi động lại dịch vụ.".into(),
                "The enrolment this PC had before is replaced. If the agent is running, restart its service.".into(),
            ));
        }
        lines.join("\n")
    }

    fn clock(&self) -> Option<(String, String)> {
        let seconds = self.clock_offset.unsigned_abs() / 1000;
        if seconds <= CLOCK_OFF_SECONDS {
            return None;
        }
        let (vi, en, count) = match seconds {
            0..7_200 => ("phút", "minutes", seconds / 60),
            7_200..172_800 => ("giờ", "hours", seconds / 3_600),
            _ => ("ngày", "days", seconds / 86_400),
        };
        let (vi_way, en_way) =
            if self.clock_offset > 0 { ("nhanh", "ahead") } else { ("chậm", "behind") };
        Some((
            format!(
                "Lưu ý: đồng hồ của máy này {vi_way} {count} {vi}. Nhịp Cầu vẫn hoạt động; hãy chỉnh lại giờ (có thể đã hết pin CMOS)."
            ),
            format!(
                "Note: this PC's clock is {count} {en} {en_way}. Nhịp Cầu works all the same; please set it right (the CMOS battery may be empty)."
            ),
        ))
    }
}

impl Failure {
    pub(super) fn told(&self, language: Language) -> String {
        let (vi, en) = match self {
            Self::Code(fault) => code(fault),
            Self::Configuration(faults) => (
                format!("Cấu hình có lỗi, chưa ghi danh (mã vẫn còn dùng được):\n{faults}"),
                format!(
                    "The configuration has faults; not enrolled, the code is still good:\n{faults}"
                ),
            ),
            Self::Begin(path, error) => not_written(path, error),
            Self::Local(IdentityError::File { path, error }) => {
                not_written(&path.display().to_string(), error)
            }
            Self::Local(error @ IdentityError::Damaged { .. }) => {
                (error.to_string(), error.to_string())
            }
            Self::Enrolled { site, collector } => (
                format!(
                    "Máy này đã ghi danh là điểm cầu {site} với {collector}, nên mã mới chưa được dùng.\nNếu máy này phải thay sang điểm cầu của mã mới, chạy lại với --replace; điểm cầu {site} khi đó cần một máy khác."
                ),
                format!(
                    "This PC is enrolled already as site {site} with {collector}, so the new code was not used.\nIf it is to become the site of the new code, run this again with --replace; site {site} then needs another PC."
                ),
            ),
            Self::Trust(error) => (format!("Lỗi TLS: {error}"), format!("TLS: {error}")),
            Self::Client(error) => (format!("Lỗi cấu hình mạng: {error}"), error.to_string()),
            Self::WrongCollector(collector) => (
                format!(
                    "{collector} không phải là collector đã cấp mã này: chứng thư không khớp. Kiểm tra địa chỉ; nếu đúng, xin mã mới. Có thể có thiết bị chặn giữa đường."
                ),
                format!(
                    "{collector} is not the collector that made this code: its certificate does not fit. Check the address; if it is right, ask for a new code. Something in between may be intercepting."
                ),
            ),
            Self::Way(collector, failed) => not_reached(collector, failed),
            Self::Refused(error, retry_after) => refused(*error, *retry_after),
            Self::Answer(collector, status) => answered(collector, *status),
        };
        language.pick(vi, en)
    }
}

fn code(fault: &InvalidCode) -> (String, String) {
    let vi = match fault {
        InvalidCode::Address => "Mã ghi danh có dạng collector.example:8443/XXXXX-XXXXX-…; mã này thiếu địa chỉ và cổng trước dấu '/'.".into(),
        InvalidCode::Character(symbol) => format!("Ký tự {symbol:?} không bao giờ có trong mã ghi danh."),
        InvalidCode::Length { expected, found } => format!("Mã ghi danh chưa đủ: có {found} ký tự sau dấu '/', cần {expected}."),
        InvalidCode::Check => "Mã ghi danh bị gõ sai: ký tự kiểm tra không khớp.".into(),
    };
    (vi, format!("{fault}."))
}

/// Nothing was sent, or nothing came back: either way the code is good for another try.
fn not_reached(collector: &str, failed: &Failed) -> (String, String) {
    let (means, mend) = way(failed.cause, failed.mark);
    let detail = &failed.detail;
    (
        format!(
            "Không ghi danh được với {collector}: {}.\nViệc cần làm: {}. Sau đó chạy lại lệnh này với chính mã này.\n({detail})",
            means.vi, mend.vi
        ),
        format!(
            "Cannot enrol with {collector}: {}.\nTo do: {}. Then run this command again with the same code.\n({detail})",
            means.en, mend.en
        ),
    )
}

/// The handshake has shown that it is the collector, or its authority's.
fn answered(collector: &str, status: u16) -> (String, String) {
    let (vi, en) = match status {
        400 => (
            "hai bên không cùng phiên bản; hãy cài bản agent do đơn vị vận hành cấp",
            "the two are of versions that do not fit; install the agent that operations gave out",
        ),
        401 | 404 | 405 => (
            "cổng này không phải cổng dành cho agent; kiểm tra cổng trong mã",
            "this is not its port for agents; check the port in the code",
        ),
        500.. => (
            "collector đang bận hoặc có lỗi; đợi một phút rồi chạy lại với chính mã này, nếu vẫn vậy báo đơn vị vận hành",
            "it is busy or fails; wait a minute and run this again with the same code, and if it stays so tell operations",
        ),
        _ => (
            "câu trả lời không đúng; kiểm tra địa chỉ và cổng, nếu đúng thì thử lại bằng chính mã này",
            "its answer makes no sense; check address and port, and if they are right try again with the same code",
        ),
    };
    (
        format!("{collector} trả lời với mã trạng thái {status}: {vi}."),
        format!("{collector} answered with status {status}: {en}."),
    )
}

/// Why a file of this PC could not be written.
fn not_written(what: &str, error: &io::Error) -> (String, String) {
    let (vi, en) = match error.kind() {
        io::ErrorKind::PermissionDenied => ENROL_WITH_RIGHTS,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            "Ổ đĩa đã đầy: hãy xóa bớt tệp rồi chạy lại",
            "The disk is full: delete something, then run this again",
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            "Ổ đĩa chỉ cho đọc: hãy khởi động lại máy; nếu vẫn vậy, ổ đĩa có thể đã hỏng",
            "The disk is read-only: restart the PC; if it stays so, the disk may be dying",
        ),
        _ => (
            "Kiểm tra khóa state_dir trong agent.yaml và chạy bằng quyền quản trị",
            "Check the key state_dir in agent.yaml, and run this with administrator rights",
        ),
    };
    (
        format!("Không ghi được vào máy này: {what}: {error}. {vi}. Mã vẫn còn dùng được."),
        format!("Cannot write on this PC: {what}: {error}. {en}. The code is still good."),
    )
}

/// Why a code was not taken.
pub(crate) fn refused(error: EnrolError, retry_after: Option<u64>) -> (String, String) {
    let wait = retry_after.unwrap_or(A_WHILE_SECONDS);
    let (vi, en) = match error {
        EnrolError::UnknownCode => (
            "Collector không biết mã này: mã đã bị thu hồi hoặc do collector khác cấp. Hãy xin mã mới.",
            "The collector does not know this code: it was withdrawn, or another collector made it. Ask for a new one.",
        ),
        EnrolError::UsedCode => (
            "Mã này đã được dùng. Mỗi mã chỉ dùng cho một máy, một lần; hãy xin mã mới.",
            "This code has been used. Each code is good for one PC, once; ask for a new one.",
        ),
        EnrolError::ExpiredCode => {
            ("Mã này đã hết hạn. Hãy xin mã mới.", "This code has expired. Ask for a new one.")
        }
        EnrolError::TooMany => {
            return (
                format!(
                    "Có quá nhiều lần ghi danh cùng lúc. Đợi {wait} giây rồi chạy lại với chính mã này."
                ),
                format!(
                    "Too many enrolments at once. Wait {wait} seconds and run this again with the same code."
                ),
            );
        }
        EnrolError::Other => {
            return (
                format!(
                    "Lúc này collector không ghi danh được. Đợi {wait} giây rồi chạy lại với chính mã này; nếu vẫn vậy, báo đơn vị vận hành."
                ),
                format!(
                    "The collector cannot enrol now. Wait {wait} seconds and run this again with the same code; if it stays so, tell operations."
                ),
            );
        }
    };
    (vi.into(), en.into())
}
