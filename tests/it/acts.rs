//! What an operator does on the board, as everybody else sees it.

use serde_json::json;
use tests::browser::Browser;
use tests::collector::Collector;

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
