//! Which column is which.

use csv::StringRecord;

use crate::inventory::folded;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Name,
    Level,
    Area,
    Uplink,
    Provider,
    Lat,
    Lon,
    ContactName,
    ContactPhone,
    Needs,
    Hosts,
    Subnets,
    /// What people keep beside it for themselves: running numbers and remarks.
    Ignored,
}

/// Each column: its key in `sites.yaml`, its Vietnamese name, and every header it is known by,
/// folded and without punctuation.
const COLUMNS: [(Column, &str, &str, &[&str]); 14] = [
    (Column::Id, "id", "mã", &["id", "ma", "ma diem cau", "ma so", "site", "site id"]),
    (
        Column::Name,
        "name",
        "tên",
        &["name", "ten", "ten diem cau", "diem cau", "ten don vi", "don vi"],
    ),
    (Column::Level, "level", "cấp", &["level", "cap", "cap hanh chinh"]),
    (Column::Area, "area", "địa bàn", &["area", "dia ban", "khu vuc"]),
    (Column::Uplink, "uplink", "đường truyền", &["uplink", "duong truyen", "tuyen truyen dan"]),
    (
        Column::Provider,
        "provider",
        "nhà mạng",
        &["provider", "carrier", "isp", "nha mang", "nha cung cap", "don vi cung cap duong truyen"],
    ),
    (Column::Lat, "lat", "vĩ độ", &["lat", "latitude", "vi do"]),
    (Column::Lon, "lon", "kinh độ", &["lon", "lng", "long", "longitude", "kinh do"]),
    (
        Column::ContactName,
        "contact.name",
        "người liên hệ",
        &["contact", "contact name", "nguoi lien he", "lien he", "can bo phu trach", "dau moi"],
    ),
    (
        Column::ContactPhone,
        "contact.phone",
        "điện thoại",
        &["phone", "contact phone", "dien thoai", "so dien thoai", "sdt"],
    ),
    (Column::Needs, "needs", "nhu cầu", &["needs", "nhu cau", "yeu cau"]),
    (Column::Hosts, "hosts", "tên máy", &["hosts", "host", "hostname", "ten may", "may tinh"]),
    (
        Column::Subnets,
        "subnets",
        "dải mạng",
        &["subnets", "subnet", "dai mang", "dai dia chi", "mang con"],
    ),
    (Column::Ignored, "", "", &["stt", "no", "ghi chu", "note", "notes", "remarks"]),
];

/// The columns of one sheet.
pub(super) struct Columns(Vec<Option<(Column, String)>>);

impl Columns {
    /// Reads the header. What is wrong with it comes as pairs of header and message, all at
    /// once. A column without a header may stand there as long as it is not `filled`.
    pub(super) fn read(
        header: &StringRecord,
        filled: impl Fn(usize) -> bool,
    ) -> Result<Self, Vec<(String, String)>> {
        let mut columns = Vec::new();
        let mut wrong = Vec::new();
        for (at, written) in header.iter().enumerate() {
            let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
            let column = find(&written);
            match column {
                None if written.is_empty() => {
                    if filled(at) {
                        let message = format!("column {} has cells but no header", at + 1);
                        wrong.push((String::new(), message));
                    }
                }
                None => wrong.push((written.clone(), unknown(&written))),
                Some(Column::Ignored) => {}
                Some(column) => {
                    let mut before = columns.iter().flatten();
                    let twice = before.find(|(known, _): &&(Column, String)| *known == column);
                    if let Some((_, first)) = twice {
                        wrong.push((
                            written.clone(),
                            format!("this column is there twice; `{first}` means the same"),
                        ));
                    }
                }
            }
            columns.push(column.map(|column| (column, written)));
        }
        for (column, key, vietnamese, _) in &COLUMNS[..2] {
            if !columns.iter().flatten().any(|(known, _)| known == column) {
                let message = format!("the column `{vietnamese}` (`{key}`) is missing");
                wrong.push((String::new(), message));
            }
        }
        if wrong.is_empty() { Ok(Self(columns)) } else { Err(wrong) }
    }

    /// The column at a place, and its header as written.
    pub(super) fn at(&self, at: usize) -> Option<(Column, &str)> {
        let (column, header) = self.0.get(at)?.as_ref()?;
        Some((*column, header))
    }

    /// The header as written of a key of `sites.yaml`; the key itself where the sheet has no
    /// such column.
    pub(super) fn header<'a>(&'a self, key: &'a str) -> &'a str {
        let column = COLUMNS.iter().find(|(_, known, ..)| *known == key).map(|(column, ..)| column);
        let written = self.0.iter().flatten().find(|(known, _)| Some(known) == column);
        written.map_or(key, |(_, header)| header)
    }
}

fn find(header: &str) -> Option<Column> {
    let plain: String = folded(header)
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter } else { ' ' })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut columns = COLUMNS.iter();
    columns.find(|(.., known)| known.contains(&plain.as_str())).map(|(column, ..)| *column)
}

fn unknown(header: &str) -> String {
    let known: Vec<String> = COLUMNS
        .iter()
        .filter(|(column, ..)| *column != Column::Ignored)
        .map(|(_, key, vietnamese, _)| format!("`{vietnamese}` ({key})"))
        .collect();
    format!("unknown column `{header}`. Known columns: {}", known.join(", "))
}
