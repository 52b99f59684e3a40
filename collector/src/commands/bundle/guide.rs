//! `HUONG-DAN.txt`: what a technician reads who reads no manuals. Pure.
//!
//! In Vietnamese alone, with a byte order mark and CRLF: it is opened by Notepad of an old Windows.

use std::path::Path;

use wire::SiteId;

/// For one site.
pub(super) fn of_site(
    site: &SiteId,
    name: &str,
    code: &str,
    until: &str,
    installers: &[String],
) -> String {
    let steps = steps(installers, code);
    windows(&format!(
        "NHỊP CẦU – {name} ({site})\n\
         \n\
         Thư mục này chỉ dùng cho điểm cầu trên, cho một máy, đến {until}. Không gửi cho nơi khác.\n\
         \n\
         {steps}"
    ))
}

/// For a package that goes to all sites.
pub(super) fn of_all(installers: &[String]) -> String {
    let steps = steps(installers, "MÃ");
    windows(&format!(
        "NHỊP CẦU – HƯỚNG DẪN CÀI ĐẶT\n\
         \n\
         Mỗi điểm cầu có một MÃ riêng trong tệp ma-ghi-danh.csv (mở bằng Excel). Chỉ đưa cho mỗi nơi\n\
         mã của nơi đó; mỗi mã dùng cho một máy, một lần.\n\
         \n\
         {steps}"
    ))
}

fn steps(installers: &[String], code: &str) -> String {
    let package = installers.iter().find(|name| is_package(name));
    let install = match (package, installers.first()) {
        (Some(package), _) => format!(
            "1. Mở Terminal trong thư mục này, chép rồi chạy ba dòng sau:\n\
             \n   sudo apt install ./{package}\n   \
             sudo install -m 644 agent.yaml /etc/nhipcau/agent.yaml\n   \
             sudo systemctl restart nhipcau-agent\n"
        ),
        (None, Some(first)) => format!(
            "1. Chép agent.yaml vào nơi đặt cấu hình của nhipcau-agent, rồi cài đặt bằng tệp {first}.\n"
        ),
        (None, None) => "1. Cài nhipcau-agent theo hướng dẫn của đơn vị vận hành.\n".to_owned(),
    };
    format!(
        "{install}\n\
         2. Ghi danh (chép nguyên cả dòng):\n\
         \n   sudo nhipcau-agent enroll {code}\n\
         \n\
         3. Cắm và bật đủ thiết bị như khi họp, rồi cho máy ghi nhớ phòng họp:\n\
         \n   sudo nhipcau-agent learn\n\
         \n\
         4. Kiểm tra. Dòng cuối phải là \"Điểm cầu sẵn sàng\":\n\
         \n   sudo nhipcau-agent doctor\n\
         \n\
         Nếu có dòng đỏ: đọc số của dòng đó qua điện thoại cho đơn vị vận hành.\n"
    )
}

fn is_package(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "deb")
}

fn windows(text: &str) -> String {
    format!("\u{feff}{}", text.replace('\n', "\r\n"))
}
