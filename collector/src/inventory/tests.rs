use std::path::Path;

use proptest::prelude::*;

use super::*;

fn yaml(text: &str) -> Result<Inventory, Vec<String>> {
    parse(Path::new("sites.yaml"), text.as_bytes())
        .map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

const WHOLE: &str = "
areas:
  - { id: thanh-hoa, name: Thanh Hóa }
  - { id: hoang-hoa, name: Hoằng Hóa, parent: thanh-hoa }
sites:
  - id: th-0316
    name: UBND xã Hoằng Lộc
    level: commune
    area: hoang-hoa
    uplink: pop-hoang-hoa
    provider: ' VNPT  Thanh Hóa'
    lat: 19.85
    lon: 105.86
    contact: { name: Lê Thị Hoa, phone: 0912345678 }
    needs: [network, camera, network]
  - { id: 00123, name: UBND tỉnh }
";

#[test]
fn a_file_becomes_an_inventory() {
    let inventory = yaml(WHOLE).unwrap();
    let site = &inventory.sites["th-0316"];
    assert_eq!(site.name, "UBND xã Hoằng Lộc");
    assert_eq!(site.area.as_ref().map(AreaId::as_str), Some("hoang-hoa"));
    assert_eq!(site.provider, "VNPT Thanh Hóa");
    assert_eq!((site.lat, site.lon), (Some(19.85), Some(105.86)));
    assert_eq!(site.contact.as_ref().unwrap().phone, "0912345678");
    assert_eq!(site.needs, [Capability::Network, Capability::Camera]);
    let bare = &inventory.sites["00123"];
    assert_eq!((bare.area.as_ref(), bare.contact.as_ref(), bare.lat), (None, None, None));
    assert_eq!(
        inventory.areas["hoang-hoa"],
        Area { name: "Hoằng Hóa".to_owned(), parent: Some("thanh-hoa".parse().unwrap()) }
    );
}

#[test]
fn sites_have_a_provider_in_common_or_none() {
    let text = "sites: [{ id: a, name: A, provider: VNPT }, { id: b, name: B, provider: VNPT },\n\
                { id: c, name: C, provider: Viettel }, { id: d, name: D }]";
    let inventory = yaml(text).unwrap();
    for (sites, expected) in [
        (&["a", "b"][..], Some("VNPT")),
        (&["c"], Some("Viettel")),
        (&["a", "c"], None),
        (&["a", "d"], None),
        (&["d"], None),
        (&[], None),
    ] {
        let sites: Vec<SiteId> = sites.iter().map(|site| site.parse().unwrap()).collect();
        assert_eq!(inventory.provider_of(&sites), expected, "{sites:?}");
    }
}

#[test]
fn letters_are_composed_whoever_typed_them() {
    let inventory = yaml("sites: [{ id: a, name: \"Hoa\u{306}\u{300}ng   Lộc\" }]").unwrap();
    assert_eq!(inventory.sites["a"].name, "Hoằng Lộc");
}

#[test]
fn every_broken_rule_is_found_at_once() {
    let text = "
areas:
  - { id: thanh-hoa, name: Thanh Hóa, parent: ring }
  - { id: ring, name: Vòng, parent: thanh-hoa }
  - { id: ring, name: '' }
sites:
  - { id: a, name: A, area: thanh-hao, lat: 105.8, lon: 19.8 }
  - { id: a b, lat: 19.8 }
  - { id: a, name: C, lat: '19,8', lon: 1105.8, area: nowhere, contact: { fone: 1 } }
";
    assert_eq!(
        yaml(text).unwrap_err(),
        [
            "sites.yaml:4:37: areas[1].parent: following the parents from here leads back here",
            "sites.yaml:5:11: areas[2].id: the id `ring` is taken already (in line 4)",
            "sites.yaml:5:23: areas[2].name: a name for people is missing",
            "sites.yaml:7:29: sites[0].area: no area has the id `thanh-hao`; did you mean `thanh-hoa`?",
            "sites.yaml:7:45: sites[0].lat: 105.8 is not between -90 and 90 degrees; are latitude and longitude swapped?",
            "sites.yaml:8:5: sites[1].name: a name for people is missing",
            "sites.yaml:8:11: sites[1].id: `a b` is no id: an id is made of ASCII letters, digits, '-', '_' and '.', and begins with a letter or digit; ' ' is not allowed there",
            "sites.yaml:8:21: sites[1].lat: a latitude alone is no place; add the longitude",
            "sites.yaml:9:11: sites[2].id: the id `a` is taken already (in line 7)",
            "sites.yaml:9:28: sites[2].lat: expected a number like 19.85, with a decimal point, found `19,8`",
            "sites.yaml:9:55: sites[2].area: no area has the id `nowhere`",
            "sites.yaml:9:75: sites[2].contact.fone: unknown key `fone`. Known keys: `name`, `phone`"
        ]
    );
}

#[test]
fn an_empty_file_is_not_an_empty_fleet() {
    for text in ["", "sites: []", "areas: [{ id: a, name: A }]"] {
        let faults = yaml(text).unwrap_err();
        assert!(faults[0].contains("no site is named"), "{text}: {faults:?}");
    }
}

#[test]
fn too_much_is_refused() {
    let items = |count| {
        let items: Vec<String> = (0..count).map(|n| format!("- {{id: n{n}, name: N}}\n")).collect();
        items.concat()
    };
    let (areas, sites) = (items(5_001), items(20_001));
    let faults = yaml(&format!("areas:\n{areas}sites:\n{sites}")).unwrap_err();
    assert_eq!(
        faults,
        [
            "sites.yaml:1:1: areas: 5001 areas are more than the 5000 it may have",
            "sites.yaml:5003:1: sites: 20001 sites are more than the 20000 it may have"
        ]
    );
    let faults = yaml(&format!("sites: [{{id: a, name: {}}}]", "ă".repeat(257))).unwrap_err();
    assert!(faults[0].contains("257 characters; at most 256 are kept"), "{faults:?}");
}

#[test]
fn what_is_no_inventory_says_what_to_do() {
    for (name, expected) in [
        ("sites.xlsx", "save the sheet as CSV UTF-8"),
        ("sites.txt", "ends in .yaml or .csv"),
        ("sites", "ends in .yaml or .csv"),
    ] {
        let faults = parse(Path::new(name), b"id;name").unwrap_err().to_string();
        assert!(faults.starts_with(&format!("{name}: ")), "{faults}");
        assert!(faults.contains(expected), "{faults}");
    }
    let faults = load(Path::new("/nonexistent/sites.yaml")).unwrap_err().to_string();
    assert!(faults.contains("the inventory cannot be read"), "{faults}");
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(Path::new("sites.csv"), &bytes);
        let _ = parse(Path::new("sites.yaml"), &bytes);
    }

    #[test]
    fn no_sheet_makes_reading_panic(text in "(id|name|area|lat|;|,|\n|\"|Thanh Hóa|/|sep=|1|E\\+)*") {
        let _ = parse(Path::new("sites.csv"), text.as_bytes());
    }
}

#[test]
fn nothing_like_an_inventory_is_too_strange() {
    let sheet = "id;name;level;area;uplink;lat;lon;needs\n\
                 th-0316;\"UBND xã Hoằng Lộc\";commune;Thanh Hóa/Hoằng Hóa;pop;19,85;105,86;network camera\n";
    let utf16: Vec<u8> = sheet.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let shapes = [sheet.as_bytes().to_vec(), [b"\xFF\xFE".to_vec(), utf16].concat()];
    crate::mutations::survives(&shapes, |bytes| parse(Path::new("sites.csv"), bytes));
    crate::mutations::survives(&[WHOLE], |bytes| parse(Path::new("sites.yaml"), bytes));
}
