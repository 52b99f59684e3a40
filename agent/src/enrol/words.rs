//! What the person at the terminal reads.

use wire::Language;
use wire::enrolment::{EnrolError, InvalidCode};

use super::{Enrolled, Failure};
use crate::uplink::Cause;

/// A clock that is further off is told; nothing depends on it.
const CLOCK_OFF_SECONDS: u64 = 300;

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
            Self::Begin(path, error) => (
                format!("Không tạo được {path}: {error}. Hãy chạy lệnh bằng quyền quản trị."),
                format!(
                    "Cannot create {path}: {error}. Run the command with administrator rights."
                ),
            ),
            Self::Local(error) => (
                format!("Không ghi được vào máy này: {error}. Hãy chạy lệnh bằng quyền quản trị."),
                format!(
                    "Cannot write on this PC: {error}. Run the command with administrator rights."
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
            Self::Way(collector, failed) => way(collector, failed.cause, &failed.detail),
            Self::Refused(error) => refused(*error),
            Self::Answer(collector, status) => (
                format!(
                    "{collector} trả lời không đúng (mã trạng thái {status}). Kiểm tra địa chỉ và cổng; nếu đúng, thử lại bằng chính mã này."
                ),
                format!(
                    "{collector} gave an answer that makes no sense (status {status}). Check address and port; if they are right, try again with the same code."
                ),
            ),
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

fn way(collector: &str, cause: Cause, detail: &str) -> (String, String) {
    let (vi, en) = match cause {
        Cause::Resolve => (
            "không tìm được địa chỉ của tên này. Kiểm tra DNS và dây mạng",
            "its name has no address. Check DNS and the network cable",
        ),
        Cause::Refused => (
            "không có chương trình nào nghe ở cổng này. Kiểm tra địa chỉ, cổng, proxy nếu có, và collector có đang chạy không",
            "nothing listens there. Check address, port and proxy if any, and whether the collector is running",
        ),
        Cause::Unreachable => (
            "không có đường đi tới đó. Kiểm tra dây mạng, bộ định tuyến và tường lửa",
            "there is no route to it. Check the network cable, the router and the firewall",
        ),
        Cause::Timeout => (
            "không trả lời trong thời hạn. Kiểm tra đường truyền và tường lửa",
            "it did not answer in time. Check the line and the firewall",
        ),
        Cause::Tls => (
            "bắt tay TLS không thành. Kiểm tra địa chỉ trong mã và proxy",
            "the TLS handshake failed. Check the address in the code and the proxy",
        ),
        _ => ("kết nối bị ngắt giữa chừng", "the connection broke"),
    };
    (
        format!(
            "Không ghi danh được với {collector}: {vi}. Sau đó chạy lại lệnh này với chính mã này.\n({detail})"
        ),
        format!(
            "Cannot enrol with {collector}: {en}. Then run this command again with the same code.\n({detail})"
        ),
    )
}

fn refused(error: EnrolError) -> (String, String) {
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
        EnrolError::TooMany => (
            "Có quá nhiều lần ghi danh cùng lúc. Đợi một phút rồi chạy lại với chính mã này.",
            "Too many enrolments at once. Wait a minute and run this again with the same code.",
        ),
        EnrolError::Other => (
            "Lúc này collector không ghi danh được. Đợi một phút rồi chạy lại với chính mã này; nếu vẫn vậy, hỏi người quản trị collector.",
            "The collector cannot enrol now. Wait a minute and run this again with the same code; if it stays so, ask whoever runs the collector.",
        ),
    };
    (vi.into(), en.into())
}
