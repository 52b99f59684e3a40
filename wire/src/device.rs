//! What a probe says of the things it looked at: the state of each device, and every trouble
//! with its cause. The same for a camera, a codec and a conference service, so that whoever
//! judges needs no branch for any of them.

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// The state of a device. The order is that of gravity, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceState {
    /// A meeting can use it.
    Ok,
    /// A meeting can use it, not well.
    Degraded,
    /// It is there, and what it is like cannot be seen.
    Unknown,
    /// It is there and a meeting cannot use it.
    Blocked,
    /// It is not there.
    Missing,
}

impl DeviceState {
    /// The label values of all states, in the order of the metric table.
    pub const LABELS: &'static [&'static str] =
        &["ok", "degraded", "missing", "blocked", "unknown"];

    /// The label value in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
        }
    }

    /// The state of that label.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Ok, Self::Degraded, Self::Missing, Self::Blocked, Self::Unknown]
            .into_iter()
            .find(|state| state.label() == label)
    }

    /// For people.
    #[must_use]
    pub fn word(self, language: Language) -> &'static str {
        let (vi, en) = match self {
            Self::Ok => ("tốt", "good"),
            Self::Degraded => ("dùng được, còn trục trặc", "usable, not well"),
            Self::Missing => ("không thấy", "missing"),
            Self::Blocked => ("không dùng được", "cannot be used"),
            Self::Unknown => ("không rõ", "not known"),
        };
        language.pick(vi, en)
    }
}

/// Something that stands between a device, or a service, and the meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What it is about, as the state of a device names it: `Logitech C920`.
    pub device: Box<str>,
    /// The label.
    pub cause: Cause,
    /// The system's or the device's own words: `usb 1-3: error -71`. Empty where it has none.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub detail: Box<str>,
}

macro_rules! causes {
    ($(
        $(#[$doc:meta])*
        $cause:ident = $label:literal, $state:ident, $vi:literal, $en:literal
            => $mend_vi:literal, $mend_en:literal;
    )*) => {
        /// Why a device is in its state. The labels never change meaning; an agent may know more
        /// of them than its collector.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Cause {
            $($(#[$doc])* #[serde(rename = $label)] $cause,)*
            /// A cause of a newer agent that this collector does not know.
            #[serde(other, rename = "other")]
            Other,
        }

        impl Cause {
            /// All that a probe may name.
            pub const ALL: &'static [Self] = &[$(Self::$cause),*];

            /// The label value in metrics.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$cause => $label,)*
                    Self::Other => "other",
                }
            }

            /// The state a device is in for this cause.
            #[must_use]
            pub fn state(self) -> DeviceState {
                match self {
                    $(Self::$cause => DeviceState::$state,)*
                    Self::Other => DeviceState::Unknown,
                }
            }

            /// What is wrong, for people: a clause without a full stop.
            #[must_use]
            pub fn clause(self, language: Language) -> &'static str {
                let (vi, en) = match self {
                    $(Self::$cause => ($vi, $en),)*
                    Self::Other => ("lý do chưa biết", "for a reason this version does not know"),
                };
                language.pick(vi, en)
            }

            /// What to do about it, for whoever is in the room: a clause without a full stop.
            #[must_use]
            pub fn remedy(self, language: Language) -> &'static str {
                let (vi, en) = match self {
                    $(Self::$cause => ($mend_vi, $mend_en),)*
                    Self::Other => ("thử trực tiếp tại phòng họp", "try it in the room"),
                };
                language.pick(vi, en)
            }
        }
    };
}

// One line a cause, so that the list can be read as a table.
#[rustfmt::skip]
causes! {
    /// Nothing of that name, or not that many, is connected.
    Absent = "absent", Missing, "không có thiết bị này", "there is no such device" => "kiểm tra cáp và nguồn", "check its cable and its power";
    /// The socket is there and nothing is plugged into it.
    Unplugged = "unplugged", Missing, "không có gì cắm vào cổng", "nothing is plugged into it" => "cắm lại dây", "plug the cable in";
    /// Software that is not installed.
    NotInstalled = "not_installed", Missing, "chưa được cài đặt", "it is not installed" => "cài đặt rồi đăng nhập thử", "install it and sign in once";
    /// The system has no driver for it.
    NoDriver = "no_driver", Blocked, "hệ điều hành không có trình điều khiển cho thiết bị", "the system has no driver for it" => "cài trình điều khiển rồi cắm lại thiết bị", "install it and plug the device in again";
    /// The driver gave up, or the device does not start.
    Failed = "failed", Blocked, "thiết bị không khởi động được", "it does not start" => "rút ra cắm lại vào cổng khác, nếu vẫn lỗi thì thay thiết bị", "plug it into another socket, and replace it if that does not help";
    /// Switched off in the system by a person or a policy.
    Disabled = "disabled", Blocked, "bị tắt trong hệ điều hành", "it is switched off in the system" => "bật lại", "switch it on";
    /// A switch, a shutter or a setting that protects people's privacy keeps programs from it.
    PrivacySwitch = "privacy_switch", Blocked, "bị khoá bằng nút hoặc thiết lập quyền riêng tư", "a privacy switch or setting keeps programs from it" => "mở nắp che, gạt công tắc, hoặc cho phép trong Cài đặt > Quyền riêng tư", "open its shutter, flip the switch, or allow it in Settings > Privacy";
    /// The sound is off.
    Muted = "muted", Blocked, "đang bị tắt tiếng", "it is muted" => "bật tiếng lại", "switch its sound on";
    /// The volume is at, or next to, nothing.
    Silent = "silent", Blocked, "âm lượng bằng không", "its volume is at zero" => "vặn lên mức thường dùng", "turn it up";
    /// Connected, but the system sends it no picture.
    Inactive = "inactive", Blocked, "đã nối nhưng máy không xuất hình", "it is connected and gets no picture" => "nhấn phím Windows+P hoặc mở phần cài đặt màn hình để bật", "switch it on in the display settings";
    /// Installed and not able to start.
    Broken = "broken", Blocked, "đã cài nhưng không chạy được", "it is installed and cannot start" => "cài lại", "install it anew";
    /// Software that should run and does not.
    NotRunning = "not_running", Blocked, "chưa được mở", "it does not run" => "mở và đăng nhập", "start it and sign in";
    /// Asleep by its own or the system's saving of energy: whoever sits down wakes it.
    Asleep = "asleep", Degraded, "đang ngủ để tiết kiệm điện", "it is asleep to save energy" => "di chuột hoặc nhấn phím để đánh thức", "move the mouse or press a key";
    /// The volume is low.
    Quiet = "quiet", Degraded, "âm lượng quá nhỏ", "its volume is low" => "vặn lên mức thường dùng", "turn it up";
    /// Programs that were told nothing use another device.
    NotDefault = "not_default", Degraded, "không phải là thiết bị mặc định", "it is not the default device" => "chọn lại trong phần cài đặt âm thanh", "choose it in the sound settings";
    /// Shows the picture of another display, which takes the room for the speaker's slides.
    Duplicated = "duplicated", Degraded, "đang chiếu lặp lại màn hình khác (Duplicate), không phải mở rộng (Extend)", "it repeats another display instead of extending it" => "nhấn Windows + P, chọn Extend", "press Windows + P and choose Extend";
    /// Connected more slowly than it needs.
    Slow = "slow", Degraded, "được cắm vào cổng quá chậm", "it is connected too slowly" => "cắm thẳng vào cổng USB 3 của máy, thay cáp hoặc bỏ hub", "use a USB 3 socket of the PC, another cable, or no hub";
    /// Older than the version that is asked for.
    Outdated = "outdated", Degraded, "phiên bản quá cũ", "its version is too old" => "cập nhật trước ngày họp", "update it before the day of the meeting";
    /// A service that answers that it cannot serve now.
    Overloaded = "overloaded", Degraded, "dịch vụ trả lời nhưng báo đang quá tải hoặc lỗi", "the service answers that it cannot serve now" => "báo đơn vị vận hành máy chủ hội nghị", "tell those who run the conference server";
    /// Some of the ports a meeting needs do not come through.
    PortsBlocked = "ports_blocked", Degraded, "một số cổng bị chặn", "some ports are blocked" => "yêu cầu mở trên tường lửa và modem", "have them opened in firewall and modem";
    /// The line's address to the outside changed.
    AddressChanged = "address_changed", Degraded, "địa chỉ ra ngoài vừa thay đổi", "the address to the outside has changed" => "nếu lặp lại thì cuộc gọi sẽ đứt, gọi nhà mạng", "calls break if it goes on, call the carrier";
    /// The system does not tell of devices of this kind.
    Untold = "untold", Unknown, "hệ điều hành không cho biết tình trạng", "the system does not tell" => "thử trực tiếp tại phòng họp, cập nhật trình điều khiển", "try it in the room, and update its driver";
    /// Only somebody signed in could see its state.
    NobodySignedIn = "nobody_signed_in", Unknown, "chưa ai đăng nhập nên không xem được", "nobody is signed in who could see it" => "đăng nhập tài khoản phòng họp", "sign in with the room's account";
    // Of appliances, which know more of themselves than the system does.
    /// Switched off at the device itself.
    SwitchedOff = "switched_off", Blocked, "đang tắt", "it is switched off" => "bật lên", "switch it on";
    /// Switched on a moment ago, or cooling down.
    WarmingUp = "warming_up", Degraded, "đang khởi động hoặc đang làm nguội", "it warms up or cools down" => "chờ vài phút rồi xem lại", "look again in a few minutes";
    /// Waits, and wakes up for a call.
    Standby = "standby", Degraded, "đang ở chế độ chờ", "it is in standby" => "bấm điều khiển để đánh thức trước giờ họp", "wake it before the meeting";
    /// Shows black because somebody wanted it so.
    PictureMuted = "picture_muted", Blocked, "đang bị che hình", "its picture is muted" => "tắt chức năng che hình (mute, blank, shutter) trên điều khiển", "switch mute, blank or shutter off";
    /// Shows another source than the one that is asked for.
    WrongInput = "wrong_input", Blocked, "đang chọn nhầm đầu vào", "it shows another input" => "chọn lại đầu vào của phòng họp", "choose the meeting's";
    /// Switched on, and its input brings no picture.
    NoSignal = "no_signal", Degraded, "đã bật nhưng không có tín hiệu vào", "it is on and gets no signal" => "kiểm tra cáp hình và máy phát hình", "check its video cable and its source";
    /// It says itself that something in it is broken.
    FaultReported = "fault_reported", Blocked, "thiết bị tự báo hỏng", "it reports a fault" => "xem màn hình thiết bị, gọi bảo hành và chuẩn bị thiết bị thay thế", "read its display, call its service and have a spare at hand";
    /// It says itself that something in it needs care.
    WarningReported = "warning_reported", Degraded, "thiết bị tự báo cần chú ý", "it reports a warning" => "xem màn hình thiết bị trước ngày họp", "read its display before the day of the meeting";
    /// The lamp is older than it should become.
    LampWorn = "lamp_worn", Degraded, "bóng đèn đã quá giờ chiếu", "its lamp is worn out" => "thay trước khi nó tắt giữa cuộc họp", "replace it before it fails in a meeting";
    /// The battery of a UPS is about to end.
    BatteryEmpty = "battery_empty", Blocked, "ắc quy sắp cạn", "its battery is about to end" => "khôi phục điện lưới hoặc chạy máy phát ngay", "restore the mains or start a generator now";
    /// The battery of a UPS should be replaced.
    BatteryWorn = "battery_worn", Degraded, "ắc quy cần thay", "its battery should be replaced" => "thay trước ngày họp", "do so before the day of the meeting";
    /// More is plugged into a UPS than it can carry.
    UpsOverloaded = "ups_overloaded", Degraded, "bộ lưu điện đang quá tải", "the UPS is overloaded" => "rút bớt thiết bị không cần cho cuộc họp", "unplug what the meeting does not need";
    /// A UPS passes the mains through without protection.
    OnBypass = "on_bypass", Degraded, "bộ lưu điện đang chạy nối tắt", "the UPS runs on bypass" => "gọi bảo hành bộ lưu điện", "call its service";
    /// The device does not take the password that it was given, or wants one.
    LoginRefused = "login_refused", Unknown, "không nhận mật khẩu đã khai báo", "it refuses the password it was given" => "sửa tệp password_file của phép đo", "correct the probe's password_file";
    /// The device answers and does not know the value that it was asked for.
    NotTold = "not_told", Unknown, "thiết bị không cho biết", "the device does not tell" => "kiểm tra OID trong agent.yaml và quyền của tài khoản SNMP", "check its OID in agent.yaml and what the SNMP account may read";
    /// A value of its own beyond the limit from which on somebody should look.
    OutOfRange = "out_of_range", Degraded, "vượt ngưỡng cảnh báo", "it is out of its range" => "kiểm tra thiết bị trước ngày họp", "look at the device before the day of the meeting";
    /// A value of its own beyond the limit from which on it does not serve.
    FarOutOfRange = "far_out_of_range", Blocked, "vượt ngưỡng cho phép", "it is far out of its range" => "kiểm tra thiết bị ngay và chuẩn bị thiết bị thay thế", "look at the device now and have a spare at hand";
    /// A codec that no server knows: nobody can call it.
    NotRegistered = "not_registered", Blocked, "chưa đăng ký được với máy chủ hội nghị", "it is not registered with the conference server" => "kiểm tra địa chỉ máy chủ, tài khoản và đường truyền", "check the server's address, the account and the line";
    /// An output behind which the codec sees no display: off, asleep or unplugged.
    DisplayUnseen = "display_unseen", Missing, "không thấy màn hình: đang tắt, đang ngủ hoặc tuột dây", "it sees no display, which is off, asleep or unplugged" => "bật màn hình, chọn đúng đầu vào, kiểm tra cáp HDMI", "switch it on, choose its input, check the HDMI cable";
    /// The network socket fell back to half duplex, which breaks calls.
    HalfDuplex = "half_duplex", Degraded, "cổng mạng chạy bán song công", "its network socket runs half duplex" => "đặt tự động ở cả hai đầu, thay cáp hoặc cổng chuyển mạch", "set both ends to auto, change cable or switch port";
    /// What watches the device no longer hears it.
    OutOfTouch = "out_of_touch", Unknown, "phần mềm theo dõi mất liên lạc với thiết bị", "what watches it no longer hears it" => "kiểm tra cáp tín hiệu và dịch vụ theo dõi", "check its signal cable and the watching service";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_reads_back_from_its_label_and_a_new_one_is_other() {
        for cause in Cause::ALL {
            let json = serde_json::to_string(cause).unwrap();
            assert_eq!(json, format!("\"{}\"", cause.label()));
            assert_eq!(serde_json::from_str::<Cause>(&json).unwrap(), *cause);
        }
        assert_eq!(serde_json::from_str::<Cause>("\"of_tomorrow\"").unwrap(), Cause::Other);
        let labels: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.label()).collect();
        assert_eq!(labels.len(), Cause::ALL.len());
    }

    #[test]
    fn no_cause_leaves_a_device_good() {
        for cause in Cause::ALL {
            assert!(cause.state() > DeviceState::Ok, "{cause:?}");
            assert!(DeviceState::LABELS.contains(&cause.state().label()));
        }
    }
}
