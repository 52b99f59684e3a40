//! What stands between this PC and its collector, and how to mend it.

use super::{Words, words};
use crate::uplink::Cause;

/// What a cause means and what to do about it.
pub(super) fn way(cause: Cause) -> (Words, Words) {
    match cause {
        Cause::Resolve => (
            words("tên máy chủ không có địa chỉ", "its name has no address"),
            words("kiểm tra DNS và dây mạng", "check DNS and the network cable"),
        ),
        Cause::Refused => (
            words("không có chương trình nào nghe ở cổng này", "nothing listens there"),
            words(
                "kiểm tra proxy nếu có; báo đơn vị vận hành rằng collector không nhận kết nối",
                "check the proxy if any; tell operations that the collector takes no connection",
            ),
        ),
        Cause::Unreachable => (
            words("không có đường đi tới đó", "there is no route to it"),
            words(
                "kiểm tra dây mạng, bộ định tuyến và tường lửa",
                "check the network cable, the router and the firewall",
            ),
        ),
        Cause::Timeout => (
            words("không trả lời trong thời hạn", "it did not answer in time"),
            words(
                "kiểm tra đường truyền; nhờ mở tường lửa cho cổng này",
                "check the line; have the firewall opened for this port",
            ),
        ),
        Cause::Tls => (
            words(
                "chứng thư không phải của collector đã ghi danh",
                "its certificate is not that of the collector this PC enrolled with",
            ),
            words(
                "có thiết bị chặn giữa đường thì xin miễn kiểm tra cho địa chỉ này; nếu collector đã chuyển máy, xin mã ghi danh mới",
                "where something in between intercepts, have this address left out; if the collector was rebuilt, ask for a new enrolment code",
            ),
        ),
        Cause::Credential => (
            words(
                "collector không nhận máy này nữa",
                "the collector does not know this PC any more",
            ),
            words(
                "xin mã mới rồi chạy: nhipcau-agent enroll MÃ",
                "ask for a new code and run: nhipcau-agent enroll CODE",
            ),
        ),
        Cause::Busy | Cause::Server => (
            words("collector đang bận hoặc có lỗi", "the collector is busy or fails"),
            words(
                "đợi một phút rồi thử lại; nếu vẫn vậy, báo đơn vị vận hành",
                "wait a minute and try again; if it stays so, tell operations",
            ),
        ),
        Cause::Closed | Cause::Answer | Cause::Refusal | Cause::Spool => (
            words("câu trả lời không phải của collector", "what answers there is no collector"),
            words(
                "kiểm tra proxy, trang đăng nhập mạng và địa chỉ trong mã ghi danh",
                "check the proxy, the network's sign-in page and the address in the enrolment code",
            ),
        ),
    }
}
