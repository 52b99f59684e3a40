//! The closed list of reasons: a code for machines, and what to do about it in both languages.
//!
//! A code, once shipped, keeps its meaning for ever.

use wire::reading::{self, Capability};
use wire::{Cause, Language};

use super::Reason;

/// One reason there can be. `{capability}`, `{subject}` and `{value}` stand for the reason's own.
struct Row {
    code: &'static str,
    vi: &'static str,
    en: &'static str,
    /// How the value is told.
    value: Told,
}

/// How a value is told to people.
#[derive(Clone, Copy)]
enum Told {
    Nothing,
    Percent,
    Milliseconds,
    Seconds,
    /// Of a value in seconds.
    Minutes,
}

const fn row(code: &'static str, value: Told, vi: &'static str, en: &'static str) -> Row {
    Row { code, vi, en, value }
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Of the whole site.
    row("absence_agreed", Told::Nothing,
        "Vắng mặt đã thống nhất hoặc đang bảo trì: {subject}",
        "Agreed absence or maintenance: {subject}"),
    row("never_heard", Told::Nothing,
        "Điểm cầu chưa bao giờ báo về: cài nhipcau-agent trên máy tính điểm cầu và ghi danh bằng mã của điểm cầu này",
        "The site has never reported: install nhipcau-agent on its PC and enrol it with this site's code"),
    row("site_silent", Told::Nothing,
        "Điểm cầu không còn báo về: gọi người phụ trách bật máy tính, kiểm tra điện và đường truyền, rồi kiểm tra dịch vụ nhipcau-agent",
        "The site no longer reports: call its technician to switch the PC on and to check mains, line and the nhipcau-agent service"),
    row("double_booked", Told::Nothing,
        "Điểm cầu có hai cuộc họp trùng giờ ({subject}): đổi giờ một cuộc hoặc bố trí phòng khác",
        "The site is in two meetings at one time ({subject}): move one of them or use another room"),
    row("agent_cloned", Told::Nothing,
        "Nhiều máy dùng chung thông tin ghi danh của điểm cầu này, có thể do sao chép ổ đĩa ({subject}): chỉ máy đầu được tính; trên máy kia hãy chạy nhipcau-agent enroll --replace với mã riêng của nó",
        "Several PCs use this site's credential, a copied disk perhaps ({subject}): only the first counts; on the other run nhipcau-agent enroll --replace with a code of its own"),
    // Of evidence.
    row("no_evidence", Told::Nothing,
        "{capability}: chưa có số liệu nào; thêm phép đo cho mục này vào agent.yaml, hoặc bỏ khỏi yêu cầu của điểm cầu",
        "{capability}: nothing has measured it yet; add a probe for it to agent.yaml, or take it out of the site's needs"),
    row("evidence_stale", Told::Nothing,
        "{capability}: số liệu đã cũ; kiểm tra phép đo {subject} trong agent.yaml và nhật ký của nhipcau-agent",
        "{capability}: its evidence is too old; look at probe {subject} in agent.yaml and at the log of nhipcau-agent"),
    // Of devices.
    row("camera_missing", Told::Nothing,
        "Camera không thấy: kiểm tra cáp USB và nguồn của camera {subject}",
        "Camera not found: check the USB cable and the power of camera {subject}"),
    row("camera_blocked", Told::Nothing,
        "Camera bị chặn: mở nắp che, tắt công tắc riêng tư hoặc đóng chương trình đang chiếm camera {subject}",
        "Camera blocked: open the lid, release the privacy switch or close the program that holds camera {subject}"),
    row("microphone_missing", Told::Nothing,
        "Micrô không thấy: kiểm tra cáp và nguồn của micrô {subject}",
        "Microphone not found: check the cable and the power of microphone {subject}"),
    row("microphone_blocked", Told::Nothing,
        "Micrô bị chặn: bật lại tiếng của micrô {subject} và cho phép dùng micrô trong phần quyền riêng tư",
        "Microphone blocked: unmute microphone {subject} and allow its use in the privacy settings"),
    row("speaker_missing", Told::Nothing,
        "Loa không thấy: kiểm tra cáp, nguồn và thiết bị phát mặc định ({subject})",
        "Speaker not found: check its cable, its power and the default output ({subject})"),
    row("speaker_blocked", Told::Nothing,
        "Loa bị tắt tiếng hoặc bị chặn: mở tiếng của loa {subject}",
        "Speaker muted or blocked: switch the sound of {subject} on"),
    row("display_missing", Told::Nothing,
        "Màn hình không thấy: bật màn hình {subject}, kiểm tra cáp HDMI và chọn đúng đầu vào",
        "Display not found: switch {subject} on, check the HDMI cable and choose the right input"),
    row("display_blocked", Told::Nothing,
        "Màn hình {subject} không hiện hình: chọn đúng đầu vào và tắt chế độ ngủ",
        "Display {subject} shows no picture: choose the right input and wake it up"),
    row("codec_missing", Told::Nothing,
        "Thiết bị hội nghị {subject} không thấy: kiểm tra nguồn và cáp mạng của thiết bị",
        "Codec {subject} not found: check its power and its network cable"),
    row("codec_blocked", Told::Nothing,
        "Thiết bị hội nghị {subject} không cho điều khiển: kiểm tra mật khẩu và quyền truy cập",
        "Codec {subject} refuses access: check its password and access rights"),
    row("device_missing", Told::Nothing,
        "{capability}: không thấy {subject}; kiểm tra cáp và nguồn",
        "{capability}: {subject} not found; check cable and power"),
    row("device_blocked", Told::Nothing,
        "{capability}: {subject} bị chặn; kiểm tra quyền truy cập và chương trình đang chiếm thiết bị",
        "{capability}: {subject} is blocked; check access rights and the program that holds it"),
    row("device_degraded", Told::Nothing,
        "{capability}: {subject} chạy không tốt; thử trước giờ họp và chuẩn bị thiết bị thay thế",
        "{capability}: {subject} works badly; try it before the meeting and have a spare at hand"),
    row("device_unknown", Told::Nothing,
        "{capability}: không rõ tình trạng của {subject}; thử trực tiếp tại phòng họp",
        "{capability}: the state of {subject} is not known; try it in the room"),
    // Of devices and services whose probe names the cause: the code is the cause's label, and what
    // to do about it stands with the cause.
    row("unplugged", Told::Nothing,
        "{capability}: không có gì cắm vào {subject}",
        "{capability}: nothing is plugged into {subject}"),
    row("not_installed", Told::Nothing,
        "{capability}: phần mềm {subject} chưa được cài",
        "{capability}: {subject} is not installed"),
    row("no_driver", Told::Nothing,
        "{capability}: máy không có trình điều khiển cho {subject}",
        "{capability}: the PC has no driver for {subject}"),
    row("failed", Told::Nothing,
        "{capability}: {subject} không khởi động được",
        "{capability}: {subject} does not start"),
    row("disabled", Told::Nothing,
        "{capability}: {subject} bị tắt trong hệ điều hành",
        "{capability}: {subject} is switched off in the system"),
    row("muted", Told::Nothing,
        "{capability}: {subject} đang bị tắt tiếng",
        "{capability}: {subject} is muted"),
    row("silent", Told::Nothing,
        "{capability}: âm lượng của {subject} bằng không",
        "{capability}: the volume of {subject} is at zero"),
    row("inactive", Told::Nothing,
        "{capability}: máy không xuất hình ra {subject}",
        "{capability}: the PC sends {subject} no picture"),
    row("asleep", Told::Nothing,
        "{capability}: {subject} đang ngủ",
        "{capability}: {subject} is asleep"),
    row("broken", Told::Nothing,
        "{capability}: phần mềm {subject} đã cài nhưng không chạy được",
        "{capability}: {subject} is installed and cannot start"),
    row("not_running", Told::Nothing,
        "{capability}: phần mềm {subject} chưa được mở",
        "{capability}: {subject} does not run"),
    row("quiet", Told::Nothing,
        "{capability}: âm lượng của {subject} quá nhỏ",
        "{capability}: the volume of {subject} is low"),
    row("not_default", Told::Nothing,
        "{capability}: {subject} không phải thiết bị mặc định",
        "{capability}: {subject} is not the default device"),
    row("duplicated", Told::Nothing,
        "{capability}: {subject} chiếu lặp lại màn hình khác",
        "{capability}: {subject} repeats another display"),
    row("slow", Told::Nothing,
        "{capability}: {subject} cắm vào cổng quá chậm",
        "{capability}: {subject} is connected too slowly"),
    row("outdated", Told::Nothing,
        "{capability}: phiên bản của {subject} quá cũ",
        "{capability}: the version of {subject} is too old"),
    row("overloaded", Told::Nothing,
        "{capability}: {subject} có trả lời nhưng báo quá tải hoặc lỗi",
        "{capability}: {subject} answers that it cannot serve now"),
    row("ports_blocked", Told::Nothing,
        "{capability}: một số cổng tới {subject} bị chặn",
        "{capability}: some ports to {subject} are blocked"),
    row("address_changed", Told::Nothing,
        "{capability}: địa chỉ ra ngoài qua {subject} vừa thay đổi",
        "{capability}: the address to the outside, seen by {subject}, has changed"),
    row("untold", Told::Nothing,
        "{capability}: hệ điều hành không cho biết tình trạng của {subject}",
        "{capability}: the system does not tell the state of {subject}"),
    row("nobody_signed_in", Told::Nothing,
        "{capability}: chưa ai đăng nhập vào máy nên không rõ tình trạng của {subject}",
        "{capability}: nobody is signed in, so the state of {subject} is not known"),
    // Of appliances, which tell the cause themselves.
    row("switched_off", Told::Nothing,
        "{capability}: {subject} đang tắt",
        "{capability}: {subject} is switched off"),
    row("warming_up", Told::Nothing,
        "{capability}: {subject} đang khởi động hoặc đang làm nguội",
        "{capability}: {subject} warms up or cools down"),
    row("standby", Told::Nothing,
        "{capability}: {subject} đang ở chế độ chờ",
        "{capability}: {subject} is in standby"),
    row("picture_muted", Told::Nothing,
        "{capability}: {subject} đang bị che hình",
        "{capability}: the picture of {subject} is muted"),
    row("wrong_input", Told::Nothing,
        "{capability}: {subject} đang chọn nhầm đầu vào",
        "{capability}: {subject} shows another input"),
    row("no_signal", Told::Nothing,
        "{capability}: {subject} đã bật nhưng không có tín hiệu",
        "{capability}: {subject} is on and gets no signal"),
    row("fault_reported", Told::Nothing,
        "{capability}: {subject} tự báo hỏng",
        "{capability}: {subject} reports a fault"),
    row("warning_reported", Told::Nothing,
        "{capability}: {subject} tự báo cần chú ý",
        "{capability}: {subject} reports a warning"),
    row("lamp_worn", Told::Nothing,
        "{capability}: bóng đèn của {subject} đã quá giờ chiếu",
        "{capability}: the lamp of {subject} is worn out"),
    row("battery_empty", Told::Nothing,
        "{capability}: ắc quy của {subject} sắp cạn",
        "{capability}: the battery of {subject} is about to end"),
    row("battery_worn", Told::Nothing,
        "{capability}: ắc quy của {subject} cần thay",
        "{capability}: the battery of {subject} should be replaced"),
    row("ups_overloaded", Told::Nothing,
        "{capability}: {subject} đang quá tải",
        "{capability}: {subject} is overloaded"),
    row("on_bypass", Told::Nothing,
        "{capability}: {subject} đang chạy nối tắt, mất điện là tắt máy",
        "{capability}: {subject} runs on bypass and protects nothing"),
    row("login_refused", Told::Nothing,
        "{capability}: {subject} không nhận mật khẩu đã khai báo nên không rõ tình trạng",
        "{capability}: {subject} refuses the password it was given, so its state is not known"),
    row("not_told", Told::Nothing,
        "{capability}: thiết bị không cho biết {subject}",
        "{capability}: the device does not tell {subject}"),
    row("out_of_range", Told::Nothing,
        "{capability}: {subject} vượt ngưỡng cảnh báo",
        "{capability}: {subject} is out of its range"),
    row("far_out_of_range", Told::Nothing,
        "{capability}: {subject} vượt ngưỡng cho phép",
        "{capability}: {subject} is far out of its range"),
    row("not_registered", Told::Nothing,
        "{capability}: {subject} chưa đăng ký được với máy chủ hội nghị",
        "{capability}: {subject} is not registered with the conference server"),
    row("display_unseen", Told::Nothing,
        "{capability}: thiết bị không thấy màn hình ({subject})",
        "{capability}: the codec sees no display ({subject})"),
    row("privacy_switch", Told::Nothing,
        "{capability}: {subject} bị khoá quyền riêng tư",
        "{capability}: a privacy switch keeps programs from {subject}"),
    row("half_duplex", Told::Nothing,
        "{capability}: cổng mạng của {subject} chạy bán song công",
        "{capability}: the network socket of {subject} runs half duplex"),
    row("out_of_touch", Told::Nothing,
        "{capability}: phần mềm theo dõi mất liên lạc với {subject}",
        "{capability}: what watches {subject} no longer hears it"),
    // Of failed runs.
    row("probe_timeout", Told::Nothing,
        "{capability}: phép đo {subject} không nhận được trả lời; kiểm tra đường truyền và máy ở đầu kia",
        "{capability}: probe {subject} got no answer; check the line and the machine at its other end"),
    row("probe_refused", Told::Nothing,
        "{capability}: phép đo {subject} bị từ chối kết nối; kiểm tra dịch vụ hội nghị có đang chạy và tường lửa",
        "{capability}: probe {subject} was refused; check that the conference service runs, and the firewall"),
    row("probe_unreachable", Told::Nothing,
        "{capability}: không có đường đến đích của phép đo {subject}; kiểm tra cáp mạng, modem và định tuyến",
        "{capability}: there is no way to the target of probe {subject}; check network cable, modem and routing"),
    row("probe_resolve", Told::Nothing,
        "{capability}: phép đo {subject} không phân giải được tên miền; kiểm tra máy chủ DNS của máy tính",
        "{capability}: probe {subject} could not resolve its name; check the PC's name server"),
    row("probe_tls", Told::Nothing,
        "{capability}: chứng thư ở phép đo {subject} không hợp lệ; kiểm tra ngày giờ máy tính và hạn chứng thư của dịch vụ",
        "{capability}: the certificate at probe {subject} is not valid; check the PC's date and the service's certificate"),
    row("probe_protocol", Told::Nothing,
        "{capability}: phép đo {subject} nhận trả lời sai giao thức; kiểm tra địa chỉ, cổng và thiết bị chặn giữa đường",
        "{capability}: probe {subject} got an answer that makes no sense; check address, port and boxes in between"),
    row("probe_unexpected", Told::Nothing,
        "{capability}: phép đo {subject} nhận trả lời không như mong đợi; kiểm tra dịch vụ hội nghị ở đầu kia",
        "{capability}: probe {subject} got an answer that is not the expected one; check the conference service"),
    row("probe_absent", Told::Nothing,
        "{capability}: phép đo {subject} không tìm thấy thứ cần đo; kiểm tra cáp, nguồn và tên trong agent.yaml",
        "{capability}: what probe {subject} measures is not there; check cable, power and the name in agent.yaml"),
    row("probe_denied", Told::Nothing,
        "{capability}: phép đo {subject} không có quyền thực hiện; cấp quyền cho dịch vụ nhipcau-agent",
        "{capability}: probe {subject} may not measure; grant the nhipcau-agent service the right"),
    row("probe_internal", Told::Nothing,
        "{capability}: phép đo {subject} gặp lỗi của chính chương trình; gửi nhật ký nhipcau-agent cho bộ phận kỹ thuật",
        "{capability}: probe {subject} has a fault of its own; send the log of nhipcau-agent to support"),
    row("probe_other", Told::Nothing,
        "{capability}: phép đo {subject} thất bại vì lý do chưa biết; cập nhật collector và xem nhật ký nhipcau-agent",
        "{capability}: probe {subject} failed for a reason unknown here; update the collector and read the agent's log"),
    // Of measurements.
    row("loss_high", Told::Percent,
        "{capability}: mất gói {value} ở phép đo {subject}; ngừng tải lớn trên đường truyền, kiểm tra cáp, gọi nhà mạng",
        "{capability}: {value} of the echoes of {subject} are lost; stop large transfers, check cables, call the carrier"),
    row("jitter_high", Told::Milliseconds,
        "{capability}: trễ biến động {value} ở phép đo {subject}; ngừng tải lớn và dùng mạng dây thay Wi-Fi",
        "{capability}: jitter of {value} at {subject}; stop large transfers and use a cable instead of Wi-Fi"),
    row("rtt_high", Told::Milliseconds,
        "{capability}: trễ khứ hồi {value} ở phép đo {subject}; kiểm tra đường truyền và định tuyến với nhà mạng",
        "{capability}: round trip of {value} at {subject}; have the carrier check line and routing"),
    row("media_loss_high", Told::Percent,
        "{capability}: cuộc gọi mất gói {value} ở {subject}; ngừng tải lớn trên đường truyền, giảm tốc độ cuộc gọi, gọi nhà mạng",
        "{capability}: the call loses {value} of {subject}; stop large transfers, lower the call's rate, call the carrier"),
    row("media_jitter_high", Told::Milliseconds,
        "{capability}: cuộc gọi có trễ biến động {value} ở {subject}; ngừng tải lớn và dùng mạng dây thay Wi-Fi",
        "{capability}: the call has a jitter of {value} in {subject}; stop large transfers and use a cable instead of Wi-Fi"),
    row("clock_unsynchronised", Told::Nothing,
        "{capability}: không được đồng bộ; bật dịch vụ NTP và cho phép nó tới máy chủ giờ",
        "{capability}: nobody keeps it right; switch a time service on and let it reach a time server"),
    row("clock_offset_large", Told::Seconds,
        "{capability}: lệch {value}; chỉnh lại ngày giờ, nếu lệch lại sau khi tắt máy thì thay pin CMOS",
        "{capability}: off by {value}; set date and time, and replace the CMOS battery if it comes back"),
    row("disk_nearly_full", Told::Percent,
        "{capability}: ổ đĩa {subject} chỉ còn trống {value}; xóa bản ghi và tệp tạm cũ",
        "{capability}: disk {subject} has only {value} free; remove old recordings and temporary files"),
    row("memory_exhausted", Told::Percent,
        "{capability}: bộ nhớ chỉ còn {value}; đóng các chương trình không cần hoặc khởi động lại máy",
        "{capability}: only {value} of the memory is available; close programs or restart the PC"),
    row("memory_stalled", Told::Percent,
        "{capability}: {value} thời gian máy phải chờ bộ nhớ; đóng các chương trình không cần hoặc khởi động lại máy",
        "{capability}: {value} of the time everything waits for memory; close programs or restart the PC"),
    row("overheated", Told::Percent,
        "{capability}: quá nóng, bộ xử lý chạy chậm {value} thời gian; lau bụi quạt, để máy nơi thoáng",
        "{capability}: too hot, its processor is slowed down {value} of the time; clean the fan, give it air"),
    row("disk_errors", Told::Nothing,
        "{capability}: ổ đĩa {subject} có lỗi; sao lưu và thay ổ trước cuộc họp quan trọng",
        "{capability}: disk {subject} has errors; back it up and replace it before an important meeting"),
    row("disk_failing", Told::Nothing,
        "{capability}: ổ đĩa {subject} tự báo sắp hỏng; sao lưu và thay ổ ngay",
        "{capability}: disk {subject} foretells its end; back it up and replace it now"),
    row("mains_lost", Told::Nothing,
        "{capability}: mất điện lưới, máy đang chạy pin; cắm lại nguồn hoặc chuẩn bị máy phát",
        "{capability}: no mains power, the PC runs on its battery; plug it in or prepare a generator"),
    row("ups_on_battery", Told::Nothing,
        "{capability}: mất điện lưới, bộ lưu điện {subject} đang cấp điện; kiểm tra nguồn hoặc chuẩn bị máy phát",
        "{capability}: no mains power, UPS {subject} carries the room; check the supply or prepare a generator"),
    row("battery_low", Told::Percent,
        "{capability}: mất điện lưới và pin {subject} chỉ còn {value}; cắm nguồn ngay",
        "{capability}: no mains power and battery {subject} is at {value}; plug it in now"),
    // Of what will be before the meeting ends.
    row("sleeps_in_meeting", Told::Minutes,
        "Nguồn điện: máy sẽ tự ngủ hoặc tắt sau {value} không ai chạm vào, ngay giữa cuộc họp; tắt chế độ tự ngủ",
        "The power supply: the PC will sleep or end after {value} without a touch, in the midst of the meeting; switch that off"),
    row("shutdown_scheduled", Told::Minutes,
        "Nguồn điện: máy đã hẹn giờ tắt sau {value} nữa, trước khi họp xong; hủy hẹn giờ (shutdown -c)",
        "The power supply: a shutdown is scheduled in {value}, before the meeting ends; cancel it (shutdown -c)"),
    row("restarts_in_meeting", Told::Minutes,
        "Nguồn điện: bản cập nhật đang chờ, sau {value} nữa máy có thể tự khởi động lại, trước khi họp xong; khởi động lại máy ngay bây giờ",
        "The power supply: an update waits, and in {value} the PC may restart by itself, before the meeting ends; restart it now"),
    row("certificate_expiring", Told::Seconds,
        "{capability}: chứng thư ở phép đo {subject} hết hạn trước khi họp xong; gia hạn chứng thư của dịch vụ",
        "{capability}: the certificate at {subject} expires before the meeting ends; renew the service's certificate"),
    row("disk_filling", Told::Minutes,
        "{capability}: ổ đĩa {subject} đang đầy dần, khoảng {value} nữa là hết chỗ, trước khi họp xong; xóa bản ghi cũ và tìm chương trình đang ghi",
        "{capability}: disk {subject} fills up in about {value}, before the meeting ends; remove old recordings and find what writes to it"),
    row("battery_too_short", Told::Minutes,
        "{capability}: mất điện lưới, {subject} chỉ còn đủ khoảng {value}, không đến hết cuộc họp; cắm lại nguồn hoặc chuẩn bị máy phát",
        "{capability}: no mains power, and {subject} lasts only about {value}, not to the end of the meeting; restore the mains or prepare a generator"),
    row("restart_pending", Told::Nothing,
        "{capability}: đang chờ khởi động lại để cài xong bản cập nhật; khởi động lại máy trước giờ họp",
        "{capability}: a restart is due to finish an update; restart the PC before the meeting"),
];

/// All codes there are.
pub fn codes() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.code)
}

impl Reason {
    /// What is wrong and what to do, in one sentence.
    #[must_use]
    pub fn sentence(&self, language: Language) -> String {
        // A roll call of a newer version may hold codes that are not in the table.
        let Some(row) = TABLE.iter().find(|row| row.code == self.code) else {
            return self.code.to_owned();
        };
        let capability = self.capability.map_or("", |capability| capability.word(language));
        let mut text = language.pick(row.vi, row.en).replace("{capability}", capability);
        if let Some(cause) = Cause::ALL.iter().find(|cause| cause.label() == self.code) {
            text = format!("{text}; {}", cause.remedy(language));
        }
        let text = text.replace("{value}", &self.told(row.value, language));
        let text = text.replace("{subject}", &self.subject);
        text.trim_end_matches([' ', ':']).replace(" ()", "")
    }

    fn told(&self, how: Told, language: Language) -> String {
        let Some(value) = self.value else { return "?".to_owned() };
        let text = match how {
            Told::Nothing => String::new(),
            Told::Percent => format!("{:.1}%", value * 100.0),
            Told::Milliseconds => format!("{:.0} ms", value * 1e3),
            Told::Seconds => format!("{value:.0} s"),
            Told::Minutes => {
                let minutes = (value / 60.0).max(0.0);
                format!("{minutes:.0} {}", language.pick("phút", "min"))
            }
        };
        language.pick(text.replace('.', ","), text)
    }
}

/// The code of a run that failed.
pub(super) fn of_failure(capability: Option<Capability>, reason: reading::Reason) -> &'static str {
    use reading::Reason;
    match (capability, reason) {
        (Some(capability), Reason::Absent) if is_device(capability) => missing(capability),
        (Some(capability), Reason::Denied) if is_device(capability) => blocked(capability),
        (_, Reason::Timeout) => "probe_timeout",
        (_, Reason::Refused) => "probe_refused",
        (_, Reason::Unreachable) => "probe_unreachable",
        (_, Reason::Resolve) => "probe_resolve",
        (_, Reason::Tls) => "probe_tls",
        (_, Reason::Protocol) => "probe_protocol",
        (_, Reason::Unexpected) => "probe_unexpected",
        (_, Reason::Absent) => "probe_absent",
        (_, Reason::Denied) => "probe_denied",
        (_, Reason::Internal) => "probe_internal",
        (_, Reason::Other) => "probe_other",
    }
}

/// The code of a trouble. What is simply not there is told in the words of its capability.
pub(super) fn of_cause(capability: Capability, cause: Cause) -> &'static str {
    match cause {
        Cause::Absent => missing(capability),
        Cause::Other => "device_unknown",
        cause => cause.label(),
    }
}

/// Whether a capability is a thing in the room that can be unplugged.
pub(super) fn is_device(capability: Capability) -> bool {
    use Capability::{Camera, Codec, Display, Microphone, Speaker};
    matches!(capability, Camera | Microphone | Speaker | Display | Codec)
}

/// The code of a device that is not there.
pub(super) fn missing(capability: Capability) -> &'static str {
    match capability {
        Capability::Camera => "camera_missing",
        Capability::Microphone => "microphone_missing",
        Capability::Speaker => "speaker_missing",
        Capability::Display => "display_missing",
        Capability::Codec => "codec_missing",
        _ => "device_missing",
    }
}

/// The code of a device that is there and may not be used.
pub(super) fn blocked(capability: Capability) -> &'static str {
    match capability {
        Capability::Camera => "camera_blocked",
        Capability::Microphone => "microphone_blocked",
        Capability::Speaker => "speaker_blocked",
        Capability::Display => "display_blocked",
        Capability::Codec => "codec_blocked",
        _ => "device_blocked",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn reason(code: &'static str, capability: Capability, subject: &str) -> Reason {
        let subject = subject.to_owned();
        Reason {
            code,
            capability: Some(capability),
            subject,
            value: Some(0.125),
            evidence_at: None,
        }
    }

    #[test]
    fn codes_are_unique_and_every_failure_has_one() {
        let known: BTreeSet<_> = codes().collect();
        assert_eq!(known.len(), TABLE.len());
        let capabilities = Capability::ALL.into_iter();
        for capability in capabilities.map(Some).chain([None]) {
            for reason in reading::Reason::ALL {
                assert!(known.contains(of_failure(capability, reason)));
            }
        }
        for capability in Capability::ALL {
            assert!(known.contains(missing(capability)) && known.contains(blocked(capability)));
            for cause in Cause::ALL {
                assert!(known.contains(of_cause(capability, *cause)), "{cause:?}");
            }
        }
    }

    #[test]
    fn a_sentence_says_what_to_do() {
        let camera = reason("camera_missing", Capability::Camera, "Logitech C920");
        assert_eq!(
            camera.sentence(Language::Vi),
            "Camera không thấy: kiểm tra cáp USB và nguồn của camera Logitech C920"
        );
        let loss = reason("loss_high", Capability::Network, "mcu");
        assert_eq!(
            loss.sentence(Language::Vi),
            "Đường truyền: mất gói 12,5% ở phép đo mcu; ngừng tải lớn trên đường truyền, kiểm tra cáp, gọi nhà mạng"
        );
        assert!(loss.sentence(Language::En).starts_with("The network: 12.5% of the echoes of mcu"));
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for code in codes() {
            for language in [Language::Vi, Language::En] {
                let sentence = reason(code, Capability::Host, "{value}").sentence(language);
                assert!(!sentence.contains("{capability}"), "{sentence}");
                assert!(!sentence.contains("{subject}"), "{sentence}");
            }
        }
    }
}
