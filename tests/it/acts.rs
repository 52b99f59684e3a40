//! What an operator does on the board, as everybody else sees it.

use serde_json::json;
use tests::browser::Browser;
use tests::client::{self, Client};
use tests::collector::Collector;
use tests::wait::now;
use uuid::Uuid;

const SITES: &str = "areas: [{ id: hoang-hoa, name: Hoằng Hóa }]
sites:
  - { id: th-0316, name: UBND xã Hoằng Đạt, area: hoang-hoa, needs: [network] }
  - { id: th-0317, name: UBND xã Hoằng Quỳ, area: hoang-hoa, needs: [network] }
";

const TILE: &str = "document.querySelector('[data-site=th-0316]')";

#[test]
fn what_an_operator_does_is_on_every_board_at_once_and_in_the_log() {
    let collector = Collector::start(SITES);
    collector.add_user("lan", "operate");
    let Some(mut lan) = Browser::open_board(&collector, "en") else { return };
    let board = format!("http://{}/?lang=en", collector.operations());
    let Some(mut watcher) = Browser::open(&board) else { return };
    watcher.wait_for(&format!("{TILE} !== null"));
    watcher.wait_for("[...document.querySelectorAll('.forActs')].every((part) => part.checkVisibility() === false)");

    lan.turn_to("site=th-0316");
    lan.wait_for("document.activeElement.id === 'siteName'");
    lan.fill("#note", "calling <i>them</i>");
    lan.press("Enter");
    watcher.wait_for(&format!(
        "{TILE}.textContent.includes('👤 lan looks after it: calling <i>them</i>')"
    ));
    lan.wait_for("document.querySelector('#siteGiven').textContent.includes('lan looks after it')");
    lan.press_on("#unacknowledge");
    watcher.wait_for(&format!("!{TILE}.textContent.includes('👤')"));

    lan.fill("#reason", "sửa phòng họp");
    lan.press("Enter");
    watcher.wait_for(&format!("{TILE}.dataset.verdict === 'excused'"));
    watcher.wait_for(&format!("{TILE}.textContent.includes('sửa phòng họp')"));
    lan.wait_for("document.querySelector('#siteAbsences').innerText.includes('sửa phòng họp')");
    lan.press_on("#siteAbsences button");
    watcher.wait_for(&format!("{TILE}.dataset.verdict === 'unknown'"));
    lan.wait_for("document.querySelector('#siteAbsences').children.length === 0");

    plans_a_meeting(&collector, &mut lan);

    lan.turn_to("audit");
    for line in [
        "trouble acknowledged",
        "acknowledgement taken back",
        "excuse taken back",
        "meeting removed",
        "user added",
    ] {
        lan.wait_for(&format!("document.querySelector('#logTable').innerText.includes('{line}')"));
    }
    fits_a_phone_and_is_labelled(&mut lan);
}

fn plans_a_meeting(collector: &Collector, lan: &mut Browser) {
    let titles = || {
        let list = collector.get("/api/v1/meetings", &[]).json();
        let meetings = list["meetings"].as_array().unwrap().iter();
        meetings.map(|meeting| meeting["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    lan.turn_to("meetings");
    lan.wait_for("document.activeElement.id === 'office'");
    lan.fill("#mTitle", "Họp khẩn về bão");
    let tomorrow = jiff::Zoned::now().tomorrow().unwrap().strftime("%Y-%m-%dT07:30").to_string();
    lan.value(&format!("document.querySelector('#mStart').value = '{tomorrow}'"));
    lan.fill("#mSites", "ubnd xa hoang dat; xã Không Có");
    lan.press_on("#plan [value=preview]");
    lan.wait_for("document.querySelector('#plan .said').innerText.includes(', 1 sites.')");
    lan.wait_for("document.querySelector('#plan .said').innerText.includes('xã Không Có')");
    assert!(titles().is_empty(), "a preview only");
    lan.fill("#mSites", "ubnd xa hoang dat");
    lan.press_on("#plan [value=save]");
    lan.wait_for("document.querySelector('#planned').innerText.includes('Họp khẩn về bão')");
    assert_eq!(titles(), ["Họp khẩn về bão"]);

    lan.press_on("#planned button");
    lan.wait_for("document.activeElement.id === 'mTitle'");
    lan.wait_for("document.querySelector('#mSites').value === 'ubnd xa hoang dat'");
    lan.fill("#mTitle", "Họp <b>bão</b>");
    lan.press_on("#plan [value=save]");
    lan.wait_for("document.querySelector('#planned').innerText.includes('Họp <b>bão</b>')");
    assert_eq!(titles(), ["Họp <b>bão</b>"]);

    lan.press_on("#planned button:last-child");
    lan.wait_for("document.querySelector('#planned button:last-child').innerText === 'Press again to cancel'");
    assert_eq!(titles().len(), 1);
    lan.press_on("#planned button:last-child");
    lan.wait_for("document.querySelector('#planned').children.length === 0");
    assert!(titles().is_empty());
}

fn fits_a_phone_and_is_labelled(browser: &mut Browser) {
    let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    browser.ask("Emulation.setDeviceMetricsOverride", &phone);
    for view in ["site=th-0316", "meetings", "waiting", "audit", ""] {
        browser.turn_to(view);
        browser.wait_for("document.documentElement.scrollWidth <= 360");
    }
    browser.wait_for(
        "[...document.querySelectorAll('input, select')].every((field) => field.labels[0]?.textContent || field.ariaLabel)",
    );
}

/// Three sites behind one line.
const ONE_LINE: &str = "sites:
  - { id: th-0001, name: A, uplink: pop-1, needs: [network] }
  - { id: th-0002, name: B, uplink: pop-1, needs: [network] }
  - { id: th-0003, name: C, uplink: pop-1, needs: [network] }
";

/// The site says that it cannot reach the conference.
fn fails(client: &Client) {
    let mut report = client::report(Uuid::new_v4(), 0, now(), 1000);
    report["readings"][0]["failure"] = json!({ "reason": "timeout", "detail": "" });
    assert_eq!(client.push(&[report]).accepted.len(), 1);
}

#[test]
fn an_incident_has_somebody_who_looks_after_it() {
    let collector = Collector::start(ONE_LINE);
    collector.add_user("lan", "operate");
    let enrol = |site| Client::enrol(collector.agents(), &collector.code(site));
    let sites = ["th-0001", "th-0002", "th-0003"].map(enrol);
    let Some(mut lan) = Browser::open_board(&collector, "en") else { return };
    let board = format!("http://{}/?lang=en", collector.operations());
    let Some(mut watcher) = Browser::open(&board) else { return };
    watcher.wait_for("document.querySelector('.tile') !== null");
    sites.iter().for_each(fails);

    let line = "document.querySelector('#incidents li')";
    let told = "Uplink pop-1: 3 of 3 sites are cut off together";
    for browser in [&mut lan, &mut watcher] {
        browser.wait_for(&format!("{line}?.innerText.includes('{told}')"));
        browser.wait_for(&format!("document.querySelector('#news').innerText.includes('{told}')"));
    }
    watcher.wait_for(&format!("{line}.querySelector('form').checkVisibility() === false"));

    // By the keyboard; what is being typed stays when the line is told anew.
    lan.value(&format!("{line}.querySelector('input').focus()"));
    lan.type_text("VNPT is on its ");
    lan.value("drawIncidents()");
    lan.wait_for("document.activeElement.name === 'uplink=pop-1'");
    lan.type_text("way <b>now</b>");
    lan.press("Enter");
    let given = "👤 lan looks after it: VNPT is on its way <b>now</b>";
    for browser in [&mut lan, &mut watcher] {
        browser.wait_for(&format!("{line}.innerText.includes('{given}')"));
    }
    let kept = collector.get("/api/v1/acknowledgements", &[]).json();
    assert_eq!(kept[0]["uplink"], "pop-1", "{kept}");

    lan.press_on("#incidents li button");
    watcher.wait_for(&format!("!{line}.innerText.includes('👤')"));
    lan.wait_for(&format!("{line}.querySelector('input') !== null"));
    lan.turn_to("audit");
    let log = "document.querySelector('#logTable').innerText";
    lan.wait_for(&format!("{log}.includes('trouble acknowledged') && {log}.includes('pop-1')"));
    lan.wait_for(&format!("{log}.includes('acknowledgement taken back')"));
}
