use std::path::Path;

use super::super::{Capability, Inventory};
use super::read;

fn load(text: &str) -> Inventory {
    read(Path::new("sites.csv"), text).unwrap()
}

fn faults(text: &str) -> Vec<String> {
    match read(Path::new("sites.csv"), text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_sheet_of_excel_becomes_an_inventory() {
    let text = "STT;Mã điểm cầu;TÊN;cap;Địa bàn;Đường truyền;Nhà mạng;Vĩ độ;Kinh độ;Người liên hệ;Điện thoại;Nhu cầu;Ghi chú;;\r\n\
        1;th-0316;\"UBND xã\nHoằng Lộc\";xã;Thanh Hóa / Hoằng Hoá;pop-hoang-hoa;VNPT;19,85;105.86;Lê Thị Hoa;0912345678;mạng, camera; ;;\r\n\
        ;;;;;;;;;;;;;;\r\n\r\n\
        2;00123;UBND tỉnh;tỉnh;Thanh Hóa;;;;;;;;x;;\r\n";
    let inventory = load(text);
    let site = &inventory.sites["th-0316"];
    assert_eq!(site.name, "UBND xã Hoằng Lộc");
    assert_eq!((site.level.as_str(), site.uplink.as_str()), ("xã", "pop-hoang-hoa"));
    assert_eq!(site.provider, "VNPT");
    assert_eq!((site.lat, site.lon), (Some(19.85), Some(105.86)));
    assert_eq!(site.contact.as_ref().unwrap().phone, "0912345678");
    assert_eq!(site.needs, [Capability::Network, Capability::Camera]);
    assert_eq!(site.area.as_ref().unwrap().as_str(), "thanh-hoa.hoang-hoa");
    let area = &inventory.areas["thanh-hoa.hoang-hoa"];
    assert_eq!(area.name, "Hoằng Hoá");
    assert_eq!(area.parent.as_ref().unwrap().as_str(), "thanh-hoa");
    assert_eq!(inventory.sites["00123"].area.as_ref().unwrap().as_str(), "thanh-hoa");
    assert_eq!((inventory.sites.len(), inventory.areas.len()), (2, 2));
}

#[test]
fn the_separator_is_found_out() {
    for text in [
        "id;name\na;A, B\n",
        "id,name\na,\"A, B\"\n",
        "id\tname\na\tA, B\n",
        "sep=|\nid|name\na|A, B\n",
        "\n\nid;name\n\na;A, B",
    ] {
        assert_eq!(load(text).sites["a"].name, "A, B", "{text}");
    }
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    for text in [
        "sep=;\r\nid;name\r\n\r\n  \r\na;\r\n",
        "id;name\n\nb;\"B\nB\"\na;",
        "\rid;name\rb;B\r\ra;\r",
    ] {
        let expected = "sites.csv:5: name: a name for people is missing";
        assert_eq!(faults(text), [expected], "{text:?}");
    }
}

#[test]
fn one_area_is_one_however_it_is_spelt() {
    let inventory = load("ma;ten;dia ban\n1;A;thanh-hoa\n2;B;Thanh Hóa\n3;C;THANH HOÁ\n");
    assert_eq!(inventory.areas.len(), 1);
    assert_eq!(inventory.areas["thanh-hoa"].name, "Thanh Hóa");
}

#[test]
fn every_fault_is_found_at_once_with_line_and_header() {
    for (text, expected) in [
        ("", &["sites.csv:1: the sheet is empty; its first line names the columns"][..]),
        ("mã;tên\n", &["sites.csv:1: no site is named; an inventory has at least one"]),
        (
            "ten;Màu;ten;\nA;đỏ;B;C\n",
            &[
                "sites.csv:1: Màu: unknown column `Màu`. Known columns: `mã` (id), `tên` (name), `cấp` (level), `địa bàn` (area), `đường truyền` (uplink), `nhà mạng` (provider), `vĩ độ` (lat), `kinh độ` (lon), `người liên hệ` (contact.name), `điện thoại` (contact.phone), `nhu cầu` (needs), `tên máy` (hosts), `dải mạng` (subnets)",
                "sites.csv:1: ten: this column is there twice; `ten` means the same",
                "sites.csv:1: column 4 has cells but no header",
                "sites.csv:1: the column `mã` (`id`) is missing",
            ],
        ),
        (
            "id;name;Vĩ độ;Kinh độ;SĐT;needs;area\n\
             a;\"A\n\nB\";x;105;9,12E+08;wings;Thanh Hóa / \n\
             a;;105,8;19,8;;;;;9\n\
             b c;B;1;;;;\n",
            &[
                "sites.csv:2: Vĩ độ: `x` is not a number of degrees like 19,85 or 19.85",
                "sites.csv:2: SĐT: Excel has turned this into the number 9,12E+08; format the column as text and type it again",
                "sites.csv:2: needs: `wings` is no need; separate with commas: `network` (mạng), `camera` (máy quay), `microphone` (micro), `speaker` (loa), `display` (màn hình), `codec` (thiết bị đầu cuối), `power` (nguồn), `host` (máy tính), `clock` (đồng hồ)",
                "sites.csv:2: area: `Thanh Hóa /` is not a path of names like Thanh Hóa / Hoằng Hóa",
                "sites.csv:5: cell 9 (`9`) stands under no header; a cell that contains the separator needs quotes",
                "sites.csv:5: id: the id `a` is taken already (in line 2)",
                "sites.csv:5: name: a name for people is missing",
                "sites.csv:5: Vĩ độ: 105.8 is not between -90 and 90 degrees; are latitude and longitude swapped?",
                "sites.csv:6: id: `b c` is no id: an id is made of ASCII letters, digits, '-', '_' and '.', and begins with a letter or digit; ' ' is not allowed there",
                "sites.csv:6: Vĩ độ: a latitude alone is no place; add the longitude",
            ],
        ),
    ] {
        assert_eq!(faults(text), expected, "{text}");
    }
}
