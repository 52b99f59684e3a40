use std::collections::BTreeMap;
use std::path::PathBuf;

use encoding_rs::WINDOWS_1258;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;
use wire::{Language, SiteId};

use super::*;
use crate::inventory;
use crate::meetings::files::{self, Text};
use crate::meetings::{Calendar, Directory};

const PROVINCE: &[u8] = include_bytes!("../../../../tests/calendars/lich-tuan-47.xlsx");
const COMMUNE: &[u8] = include_bytes!("../../../../tests/calendars/lich-xa.xlsx");

const SITES: &str = "
areas: [{ id: hoang-hoa, name: Hoằng Hóa }]
sites:
  - { id: th-0316, name: UBND xã Hoằng Lộc, area: hoang-hoa }
  - { id: th-0317, name: UBND xã Hoằng Quỳ, area: hoang-hoa }
  - { id: th-0001, name: UBND tỉnh }
";

fn calendar(name: &str, bytes: &[u8], saved: &str) -> Calendar {
    let path = PathBuf::from(name);
    let saved = saved.parse().unwrap();
    let content = files::parse(&path, Text { bytes, saved }).unwrap_or_else(|f| panic!("{f}"));
    let (calendar, faults) = files::assemble(&BTreeMap::from([(path, content)]));
    assert_eq!(faults, []);
    calendar
}

/// `id | 16/11/2026 07:30 120 min | title | sites | unmatched`
fn meetings(calendar: &Calendar) -> Vec<String> {
    let inventory = inventory::parse(Path::new("sites.yaml"), SITES.as_bytes()).unwrap();
    let directory = Directory::new(&inventory);
    let tell = |meeting: &Meeting| {
        let who = meeting.participants.resolve(&directory);
        let sites: Vec<_> = who.sites.iter().map(SiteId::as_str).collect();
        let start = meeting.start.strftime("%d/%m/%Y %H:%M");
        let (id, minutes, title) = (&meeting.id, meeting.duration.as_secs() / 60, &meeting.title);
        let (sites, unmatched) = (sites.join(" "), who.unmatched.join("; "));
        format!("{id} | {start} {minutes} | {title} | {sites} | {unmatched}")
    };
    calendar.meetings.values().map(|(meeting, _)| tell(meeting)).collect()
}

fn remarks(calendar: &Calendar) -> Vec<String> {
    calendar.remarks.iter().map(|remark| remark.told(Language::Vi)).collect()
}

#[test]
fn a_province_writes_days_in_merged_cells_and_times_before_the_subject() {
    let calendar = calendar("lich-tuan-47.xlsx", PROVINCE, "2026-11-13");
    assert_eq!(
        meetings(&calendar),
        [
            "2026-11-16-giao-ban-truc-tuyen-tuan | 16/11/2026 07:30 120 | Giao ban trực tuyến tuần | th-0001 th-0316 | ",
            "2026-11-16-hoi-nghi-phong-chong-bao-so-12 | 16/11/2026 13:30 90 | Hội nghị phòng, chống bão số 12 | th-0316 th-0317 | Ban Chỉ huy PCTT",
            "2026-11-16-hop-ban-nong-thon-moi | 16/11/2026 14:30 120 | Họp bàn nông thôn mới | th-0316 th-0317 | ",
            "2026-11-17-giao-ban-khoi-kinh-te | 17/11/2026 16:00 120 | Giao ban khối kinh tế | th-0316 | ",
            "2026-11-17-hop-to-cong-tac | 17/11/2026 14:00 120 | Họp tổ công tác | th-0316 | ",
            "2026-11-20-ky-niem-ngay-nha-giao | 20/11/2026 08:00 120 | Kỷ niệm ngày Nhà giáo | th-0001 th-0316 th-0317 | ",
        ]
    );
    assert_eq!(
        remarks(&calendar),
        [
            "lich-tuan-47.xlsx: 5 cuộc họp không ghi giờ kết thúc: tính 2 giờ",
            "lich-tuan-47.xlsx, dòng 7: các cột không dùng đến: Phương tiện",
            "lich-tuan-47.xlsx, dòng 8: ngày không ghi năm: hiểu là 16/11/2026, theo ngày ghi phía trên bảng",
            "lich-tuan-47.xlsx, dòng 11: không đọc: “Làm việc tại cơ quan” không có giờ; ghi giờ như 07h30",
            "lich-tuan-47.xlsx, dòng 13: ngày 19/11/2026 là Thứ Năm, không phải Thứ Tư; lấy theo ngày",
            "lich-tuan-47.xlsx, dòng 13: không đọc: “(25h00) Họp báo” không có giờ; ghi giờ như 07h30",
            "lich-tuan-47.xlsx, dòng 17–18: ngoài bảng, không phải cuộc họp",
        ]
    );
}

#[test]
fn a_commune_writes_the_day_over_its_meetings_and_a_week_on_each_sheet() {
    let calendar = calendar("lich-xa.xlsx", COMMUNE, "2026-12-25");
    let all = "th-0001 th-0316 th-0317";
    assert_eq!(
        meetings(&calendar),
        [
            "2026-12-29-tap-huan-phan-mem | 29/12/2026 08:00 90 | Tập huấn phần mềm | th-0001 th-0316 | ".to_owned(),
            "2026-12-30-tap-huan-phan-mem | 30/12/2026 14:15 90 | Tập huấn phần mềm | th-0316 | ".to_owned(),
            format!("xa-1-1 | 04/01/2027 07:30 90 | Giao ban xã | {all} | "),
            format!("xa-53-1 | 28/12/2026 07:30 90 | Giao ban xã | {all} | "),
            format!("xa-53-2 | 31/12/2026 08:00 120 | Tổng kết năm | {all} | "),
        ]
    );
    assert_eq!(
        remarks(&calendar),
        [
            "lich-xa.xlsx, trang “Tuần 53”: 1 cuộc họp không ghi giờ kết thúc: tính 2 giờ",
            "lich-xa.xlsx, trang “Tuần 53”, dòng 6: ngày không ghi năm: hiểu là 31/12/2026, theo ngày lưu tệp 25/12/2026",
            "lich-xa.xlsx, trang “Tuần 53”, dòng 9: không đọc: “Nghỉ Tết dương lịch” không phải ngày giờ như Thứ Hai 16/11, Chiều, 07h30",
            "lich-xa.xlsx, trang “Tuần 1”, dòng 4: ngày không ghi năm: hiểu là 04/01/2027, theo ngày lưu tệp 25/12/2026",
            "lich-xa.xlsx, trang “Mẫu cũ”: không đọc: trang đang bị ẩn",
        ]
    );
}

const CSV: &str = "LỊCH HỌP TUẦN 47;;;;\n\
    (từ 16/11 đến 22/11/2026);;;;\n\
    Thành phần tham gia;Nội dung;Thứ;Giờ;STT\n\
    tất cả;Giao ban tuần;Thứ Hai;07h30;1\n\
    \"UBND xã Hoằng Lộc,\n2. UBND xã Hoằng Quỳ\";Họp nông thôn mới, giai đoạn 2;;13h30 - 16h00;2\n\
    UBND tỉnh;Tiếp dân;Chủ nhật;8 giờ 00’;3\n";

#[test]
fn a_csv_is_read_in_every_encoding_and_with_every_separator() {
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{CSV}").encode_utf16().flat_map(to_bytes).collect()
    };
    // Tones stand apart in it, as Windows writes them.
    let tones = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];
    let mut ansi = String::new();
    for letter in CSV.chars() {
        let apart: String = std::iter::once(letter).nfd().collect();
        let (base, tone): (String, String) = apart.chars().partition(|c| !tones.contains(c));
        ansi.extend(base.nfc().chain(tone.chars()));
    }
    let (ansi, _, lost) = WINDOWS_1258.encode(&ansi);
    assert!(!lost);
    let quoted = CSV
        .replace("mới, giai", "\"\"mới\"\", giai")
        .replace(";Họp", ";\"Họp")
        .replace("2;;13", "2\";;13");
    let cases = [
        CSV.as_bytes().to_vec(),
        format!("\u{feff}{CSV}").into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        ansi.into_owned(),
        CSV.replace('\n', "\r\n").into_bytes(),
        CSV.replace(';', "\t").into_bytes(),
        format!("sep=;\n{CSV}").into_bytes(),
    ];
    let expected = [
        "2026-11-16-giao-ban-tuan | 16/11/2026 07:30 120 | Giao ban tuần | th-0001 th-0316 th-0317 | ",
        "2026-11-16-hop-nong-thon-moi-giai-doan-2 | 16/11/2026 13:30 150 | Họp nông thôn mới, giai đoạn 2 | th-0316 th-0317 | ",
        "2026-11-22-tiep-dan | 22/11/2026 08:00 120 | Tiếp dân | th-0001 | ",
    ];
    for (number, bytes) in cases.iter().enumerate() {
        assert_eq!(meetings(&calendar("lich.csv", bytes, "2024-01-01")), expected, "{number}");
    }
    let commas = quoted.replace(';', ",").replace("Lộc,\n", "Lộc;\n");
    let found = meetings(&calendar("lich.csv", commas.as_bytes(), "2024-01-01"));
    assert!(found[1].contains("Họp nông thôn \"mới\", giai đoạn 2 | th-0316 th-0317"), "{found:?}");
}

#[test]
fn every_row_that_is_no_meeting_is_told_with_its_number() {
    let text = "Ngày;Giờ;Kết thúc;Nội dung;Điểm cầu;Mã\n\
        16/11/2026;7h30;7h00;Họp A;tất cả;a\n\
        ;7h30 và 14h;;Họp B;tất cả;\n\
        ;8h;;;tất cả;\n\
        32/11;8h;;Họp C;tất cả;\n\
        ;8h;;Họp D;tất cả;\n\
        18/11/2026;Sáng;;Họp E;tất cả;\n\
        Hằng ngày;8h;;Họp F;tất cả;\n\
        19/11/2026;9h;;Họp G;tất cả;a\n\
        ;9h;;Họp H;tất cả;mã số 1\n\
        ;Chiều 8h;;Họp I;tất cả;\n\
        Ngày;Giờ;Kết thúc;Nội dung;Điểm cầu;Mã\n\
        ;;;;\n\
        ;;;;Nơi nhận: như trên\n";
    let calendar = calendar("lich.csv", text.as_bytes(), "2026-11-13");
    assert_eq!(
        remarks(&calendar),
        [
            "lich.csv: 3 cuộc họp không ghi giờ kết thúc: tính 2 giờ",
            "lich.csv, dòng 2: “7h00” không phải thời lượng như 2h30 hoặc giờ kết thúc sau giờ bắt đầu",
            "lich.csv, dòng 3: không đọc: “7h30 và 14h” có nhiều ngày hoặc nhiều giờ; tách thành nhiều dòng",
            "lich.csv, dòng 4: không đọc: có ngày giờ nhưng không có nội dung",
            "lich.csv, dòng 5: không đọc: “32/11” không phải ngày giờ như Thứ Hai 16/11, Chiều, 07h30",
            "lich.csv, dòng 6: không đọc: không có ngày; ghi ngày như 16/11/2026",
            "lich.csv, dòng 7: không đọc: “Họp E” không có giờ; ghi giờ như 07h30",
            "lich.csv, dòng 8: không đọc: “Hằng ngày” không phải ngày giờ như Thứ Hai 16/11, Chiều, 07h30",
            "lich.csv, dòng 9: không đọc: mã a đã dùng cho cuộc họp khác",
            "lich.csv, dòng 10: “mã số 1” không dùng làm mã được; mã chỉ gồm a-z, 0-9, - _ .",
            "lich.csv, dòng 11: “08:00” không khớp với buổi; lấy giờ như đã ghi",
            "lich.csv, dòng 12: ngoài bảng, không phải cuộc họp",
            "lich.csv, dòng 14: ngoài bảng, không phải cuộc họp",
        ]
    );
    assert_eq!(calendar.meetings.len(), 3, "{:?}", meetings(&calendar));
}

#[test]
fn ids_stay_while_the_file_is_edited() {
    let ids = |text: &str| -> Vec<String> {
        let calendar = calendar("lich.csv", text.as_bytes(), "2026-11-13");
        calendar.meetings.keys().map(ToString::to_string).collect()
    };
    let before = ids("Ngày;Giờ;Nội dung\n16/11;7h30;Giao ban tuần\n;14h;Họp tổ công tác\n");
    let after = "Nội dung;Ngày;Giờ;Điểm cầu\nHọp mới;16/11;7h;tất cả\nHỌP TỔ CÔNG TÁC;16/11;15h;xã\nGiao  ban tuần;;8h;\n";
    let after = ids(after);
    assert!(before.iter().all(|id| after.contains(id)), "{before:?} {after:?}");
    let twice = ids("Ngày;Giờ;Nội dung\n16/11;7h30;Giao ban\n;14h;Giao ban\n");
    assert_eq!(twice, ["2026-11-16-giao-ban", "2026-11-16-giao-ban-1400"]);
}

#[test]
fn a_file_without_a_table_is_a_fault() {
    for (name, bytes) in
        [("a.csv", &b"STT;Ten\n1;x\n"[..]), ("a.csv", b""), ("a.xlsx", b"PK"), ("a.xls", b"x")]
    {
        let saved = "2026-11-13".parse().unwrap();
        let faults = files::parse(Path::new(name), Text { bytes, saved }).unwrap_err();
        assert!(faults.to_string().starts_with(name), "{faults}");
    }
}

proptest! {
    #[test]
    fn no_schedule_makes_reading_panic(
        rows in "(Ngày|Nội dung|16/11|Thứ Hai|7h30|8 giờ|;|\n|\"|tất cả|trừ|[a-zừ]| ){0,60}",
    ) {
        let text = format!("Ngày;Nội dung;Điểm cầu\n{rows}");
        let saved = "2026-11-13".parse().unwrap();
        let read = read_csv(Path::new("a.csv"), &text, saved).unwrap();
        for meeting in &read.meetings {
            prop_assert!(!meeting.title.is_empty() && !meeting.duration.is_zero());
        }
    }

    #[test]
    fn no_workbook_makes_reading_panic(at in 0..COMMUNE.len(), byte: u8) {
        let mut bytes = COMMUNE.to_vec();
        bytes[at] = byte;
        let _ = read_workbook(Path::new("a.xlsx"), &bytes, "2026-11-13".parse().unwrap());
    }
}

#[test]
fn nothing_like_a_schedule_is_too_strange() {
    let table = "Ngày;Thời gian;Nội dung;Điểm cầu\nThứ Hai 16/11;7h30 - 9h;Giao ban;tất cả trừ Hoằng Quỳ\n\
                 ;14 giờ;\"Họp \"\"Ban\"\" bão\";UBND xã Hoằng Lộc, UBND xã Hoằng Quỳ\n";
    let saved = "2026-11-13".parse().unwrap();
    crate::mutations::survives(&[table], |bytes| {
        files::parse(Path::new("a.csv"), Text { bytes, saved }).map_err(|faults| faults.0)
    });
    crate::mutations::survives(&[PROVINCE, COMMUNE], |bytes| {
        files::parse(Path::new("a.xlsx"), Text { bytes, saved }).map_err(|faults| faults.0)
    });
}

/// What is broken in a packed workbook mostly ends at its checksums; whoever writes one on purpose
/// gets those right.
#[test]
fn nothing_in_a_workbook_is_too_strange() {
    let saved = "2026-11-13".parse().unwrap();
    let parts = unzipped(PROVINCE);
    for name in ["sheet1.xml", "styles.xml", "workbook.xml"] {
        let at = parts.iter().position(|(of, _)| of.ends_with(name)).unwrap();
        let mut changed = parts.clone();
        crate::mutations::survives(&[&parts[at].1], |bytes| {
            changed[at].1 = bytes.to_vec();
            let bytes = zipped(&changed);
            let text = Text { bytes: &bytes, saved };
            files::parse(Path::new("a.xlsx"), text).map_err(|faults| faults.0)
        });
    }
}

type Part = (String, Vec<u8>);

fn unzipped(bytes: &[u8]) -> Vec<Part> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let parts = 0..archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        (file.name().unwrap().into_owned(), bytes)
    };
    parts.map(read).collect()
}

fn zipped(parts: &[Part]) -> Vec<u8> {
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(name.as_str(), stored).unwrap();
        std::io::Write::write_all(&mut archive, bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
