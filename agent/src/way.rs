//! What stands between this PC and its collector, and how to mend it: one table for everybody who
//! tells it, `enroll` and `doctor`.

use crate::uplink::{Cause, Mark, ProxyFault};
use crate::words::{Words, words};

/// What a cause means and what to do about it; `mark` is what is known beyond the cause.
pub(crate) fn way(cause: Cause, mark: Option<Mark>) -> (Words, Words) {
    match mark {
        Some(Mark::Proxy(fault)) => proxy(fault),
        Some(mark) => marked(mark),
        None => plain(cause),
    }
}

fn plain(cause: Cause) -> (Words, Words) {
    match cause {
        Cause::Resolve => (
            words("tên máy chủ không có địa chỉ", "its name has no address"),
            words(
                "kiểm tra tên trong mã ghi danh và DNS của máy này",
                "check the name in the enrolment code, and this PC's DNS",
            ),
        ),
        Cause::Refused => (
            words("không có chương trình nào nghe ở cổng này", "nothing listens there"),
            words(
                "kiểm tra địa chỉ và cổng; báo đơn vị vận hành xem collector có đang chạy không",
                "check address and port; ask operations whether the collector is running",
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
            words("bắt tay TLS không thành", "the TLS handshake failed"),
            words(
                "kiểm tra địa chỉ trong mã ghi danh; có thiết bị chặn giữa đường thì xin miễn kiểm tra cho địa chỉ này",
                "check the address in the enrolment code; where something in between intercepts, have this address left out",
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
        Cause::Cloned => (
            words(
                "một máy khác đang dùng thông tin ghi danh của máy này",
                "another PC uses this PC's credential",
            ),
            words(
                "xin mã riêng cho máy này rồi chạy: nhipcau-agent enroll --replace MÃ",
                "ask for a code for this PC alone and run: nhipcau-agent enroll --replace CODE",
            ),
        ),
        Cause::Replaced => (
            words(
                "một máy khác đã được ghi danh thay máy này",
                "another PC was enrolled in the place of this one",
            ),
            words(
                "nếu nhầm, xin mã mới rồi chạy: nhipcau-agent enroll MÃ; nếu không, gỡ nhipcau-agent khỏi máy này",
                "if that is a mistake, ask for a new code and run: nhipcau-agent enroll CODE; if not, remove nhipcau-agent from this PC",
            ),
        ),
        Cause::Busy | Cause::Server => (
            words("collector đang bận hoặc có lỗi", "the collector is busy or fails"),
            words(
                "đợi một phút rồi thử lại; nếu vẫn vậy, báo đơn vị vận hành",
                "wait a minute and try again; if it stays so, tell operations",
            ),
        ),
        Cause::Closed => (
            words("kết nối bị đóng giữa chừng", "the connection was closed half-way"),
            words(
                "kiểm tra địa chỉ, cổng và tường lửa rồi thử lại",
                "check address, port and firewall, then try again",
            ),
        ),
        Cause::Answer | Cause::Refusal | Cause::Spool => (
            words("câu trả lời không phải của collector", "what answers there is no collector"),
            words(
                "kiểm tra proxy, trang đăng nhập mạng và địa chỉ trong mã ghi danh",
                "check the proxy, the network's sign-in page and the address in the enrolment code",
            ),
        ),
    }
}

fn marked(mark: Mark) -> (Words, Words) {
    match mark {
        Mark::NoNameServer => (
            words("không máy chủ DNS nào trả lời", "no name server answers"),
            words(
                "kiểm tra dây mạng và địa chỉ máy chủ DNS của máy này",
                "check the network cable and this PC's DNS servers",
            ),
        ),
        Mark::Forbidden => (
            words(
                "tường lửa của chính máy này không cho kết nối",
                "this PC's own firewall forbids the connection",
            ),
            words(
                "cho phép nhipcau-agent đi ra cổng này trong tường lửa của máy",
                "let nhipcau-agent out to this port in the PC's firewall",
            ),
        ),
        Mark::Reset => (
            words("kết nối bị ngắt ngang (reset)", "the connection was reset"),
            words(
                "nhờ mở tường lửa cho cổng này; nếu đã mở, kiểm tra lại địa chỉ và cổng",
                "have the firewall opened for this port; if it is, check address and port",
            ),
        ),
        Mark::Mute => (
            words("cổng mở nhưng không ai trả lời", "the port opens and then nothing is said"),
            words(
                "tường lửa có thể đang giữ lại TLS: xin miễn kiểm tra cho địa chỉ này; hoặc địa chỉ và cổng là của máy khác",
                "a firewall may be holding TLS back: have this address left out; or address and port are another machine's",
            ),
        ),
        Mark::Plain => (
            words(
                "chương trình ở cổng này không dùng TLS, nên không phải cổng dành cho agent",
                "what answers there speaks no TLS, so it is not the port for agents",
            ),
            words(
                "kiểm tra cổng trong mã ghi danh (thường là 8443)",
                "check the port in the enrolment code (mostly 8443)",
            ),
        ),
        Mark::OtherAuthority => (
            words(
                "chứng thư không phải của collector đã ghi danh",
                "its certificate is not that of the collector this PC enrolled with",
            ),
            words(
                "có thiết bị chặn giữa đường thì xin miễn kiểm tra cho địa chỉ này; nếu collector đã chuyển máy, xin mã ghi danh mới",
                "where something in between intercepts, have this address left out; if the collector was rebuilt, ask for a new enrolment code",
            ),
        ),
        Mark::OtherName => (
            words(
                "đúng collector, nhưng chứng thư của nó không ghi tên hay địa chỉ này",
                "it is the collector, but its certificate does not bear this name or address",
            ),
            words(
                "báo đơn vị vận hành thêm tên này vào agents.names của collector",
                "tell operations to add this name to agents.names of the collector",
            ),
        ),
        Mark::Proxy(fault) => proxy(fault),
    }
}

fn proxy(fault: ProxyFault) -> (Words, Words) {
    let address = || {
        words(
            "sửa khóa proxy trong agent.yaml (hoặc biến môi trường HTTPS_PROXY), hoặc bỏ đi nếu mạng này không cần proxy",
            "mend the key proxy in agent.yaml (or HTTPS_PROXY in the environment), or take it away where this network needs none",
        )
    };
    match fault {
        ProxyFault::Resolve => {
            (words("tên của proxy không có địa chỉ", "the proxy's name has no address"), address())
        }
        ProxyFault::Refused => (
            words("không có proxy nào ở địa chỉ đã đặt", "nothing listens at the proxy's address"),
            address(),
        ),
        ProxyFault::Unreachable => {
            (words("không có đường đi tới proxy", "there is no route to the proxy"), address())
        }
        ProxyFault::Silent => {
            (words("proxy không trả lời", "the proxy does not answer"), address())
        }
        ProxyFault::NotAProxy => (
            words(
                "địa chỉ proxy đã đặt không phải là proxy",
                "what answers at the proxy's address is no proxy",
            ),
            address(),
        ),
        ProxyFault::WantsPassword => (
            words("proxy đòi tên và mật khẩu", "the proxy wants a user and a password"),
            words(
                "ghi vào agent.yaml: proxy: http://TÊN:MẬT_KHẨU@ĐỊA_CHỈ:CỔNG",
                "write in agent.yaml: proxy: http://USER:PASSWORD@HOST:PORT",
            ),
        ),
        ProxyFault::WrongPassword => (
            words(
                "proxy không nhận tên và mật khẩu đã đặt",
                "the proxy does not take the user and password it was given",
            ),
            words(
                "sửa tên và mật khẩu proxy trong agent.yaml",
                "mend the proxy's user and password in agent.yaml",
            ),
        ),
        ProxyFault::Forbids(status) => (
            words(
                format!("proxy không cho đi tới collector (mã trạng thái {status})"),
                format!("the proxy does not let through to the collector (status {status})"),
            ),
            words(
                "nhờ người quản trị proxy cho phép CONNECT tới địa chỉ và cổng này",
                "have whoever runs the proxy allow CONNECT to this address and port",
            ),
        ),
        ProxyFault::CannotReach(status) => (
            words(
                format!("proxy không tới được collector (mã trạng thái {status})"),
                format!("the proxy cannot reach the collector (status {status})"),
            ),
            words(
                "kiểm tra địa chỉ và cổng; báo người quản trị proxy và đơn vị vận hành",
                "check address and port; tell whoever runs the proxy, and operations",
            ),
        ),
    }
}
