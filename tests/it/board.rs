//! The board, as a real browser shows it and as its stream says it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;

use serde_json::{Value, json};
use tests::browser::Browser;
use tests::client::Client;
use tests::collector::{Collector, OPERATE_TOKEN};
use tests::http;
use tests::wait::{self, now};
use uuid::Uuid;

/// Sites whose names try to be more than names.
fn hostile() -> String {
    format!(
        "areas: [{{ id: hoang-hoa, name: Hoằng Hóa }}]
sites:
  - {{ id: th-0316, name: UBND xã Hoằng Đạt, area: hoang-hoa, needs: [network],
       contact: {{ name: \"<b>Tám</b>\", phone: 0912 345 678 }} }}
  - {{ id: th-0317, name: \"<script>document.title='broken'</script><img src=x onerror=alert(1)>\", needs: [network] }}
  - {{ id: th-0318, name: \"\\u202Eđảo ngược\", needs: [network] }}
  - {{ id: th-0319, name: \"{}\", needs: [network] }}
",
        "Ấ".repeat(256)
    )
}

/// A meeting of all sites that starts so many minutes from now.
fn meeting(minutes: i64) -> String {
    let start = jiff::Zoned::now().in_tz("Asia/Ho_Chi_Minh").unwrap();
    let start = start.checked_add(jiff::Span::new().minutes(minutes)).unwrap();
    format!(
        "meetings: [{{ id: giao-ban, title: Giao ban tuần, start: {}, duration: 1h, \
         sites: {{ ids: [th-0316, th-0317, th-0318, th-0319] }} }}]\n",
        start.strftime("%Y-%m-%dT%H:%M")
    )
}

/// The site says that the way to the conference works, or that it does not.
fn say(client: &Client, boot: Uuid, seq: u64, works: bool) {
    let mut report = tests::client::report(boot, seq, now(), 1000);
    if !works {
        let failure = json!({ "reason": "timeout", "detail": "no answer <i>at all</i>" });
        report["readings"][0]["failure"] = failure;
    }
    assert_eq!(client.push(&[report]).accepted.len(), 1);
}

/// A reader of the stream, as `curl -N` would be one.
struct Reader(BufReader<std::net::TcpStream>);

impl Reader {
    fn of(address: SocketAddr, path: &str) -> Self {
        let mut stream = http::connect(address).unwrap();
        stream.write_all(&http::request("GET", path, &[], &[])).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event that fits, by its name and its data.
    fn next(&mut self, fits: impl Fn(&str, &Value) -> bool) -> Value {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream has ended");
            if let Some(event) = line.strip_prefix("event: ") {
                event.trim_end().clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                let data: Value = serde_json::from_str(data).unwrap();
                if fits(&name, &data) {
                    return data;
                }
            }
        }
    }
}

#[test]
fn the_stream_tells_the_picture_what_changes_and_that_somebody_judges() {
    let mut collector = Collector::start_with_calendar(&hostile(), &meeting(20));
    let client = Client::enrol(collector.agents(), &collector.code("th-0316"));
    let boot = Uuid::new_v4();
    say(&client, boot, 0, true);
    wait::until("the meeting on the board", || {
        let page = collector.get("/board/sites/th-0316?lang=en", &[]).text();
        wait::seen(page.contains("\"verdict\":\"ready\",\"word\":\"ready\",\"last_seen\""), || page)
    });
    let mut reader = Reader::of(collector.operations(), "/board/events?lang=en");
    let picture = reader.next(|name, _| name == "picture");
    let place = picture["sites"].as_array().unwrap().iter().position(|s| s["id"] == "th-0316");
    let place = place.unwrap().to_string();
    assert!(picture["focus"].as_str().unwrap().starts_with("giao-ban@"), "{picture}");
    say(&client, boot, 1, false);
    let change = reader.next(|name, data| name == "change" && data["sites"].get(&place).is_some());
    let tile = &change["sites"][&place];
    assert_eq!(tile["verdict"], "not_ready");
    assert!(tile["why"].as_str().unwrap().contains("mcu"), "{tile}");
    reader.next(|name, _| name == "beat");

    let page = collector.get("/board/sites/th-0316?lang=en", &[]).json();
    assert_eq!(page["contact"]["name"], "<b>Tám</b>");
    assert_eq!(page["readings"][0]["detail"], "no answer <i>at all</i>");
    assert!(!collector.get("/api/v1/sites/th-0316", &[]).text().contains("Tám"));
    // A stream that stands does not hold the collector up.
    collector.stop();
}

#[test]
fn a_site_that_goes_bad_changes_its_tile_in_a_real_browser() {
    let collector = Collector::start_with_calendar(&hostile(), &meeting(20));
    let client = Client::enrol(collector.agents(), &collector.code("th-0316"));
    let boot = Uuid::new_v4();
    say(&client, boot, 0, true);
    let Some(mut browser) = Browser::open(&format!("http://{}/", collector.operations())) else {
        return;
    };
    let tile = "document.querySelector('[data-site=th-0316]')";
    browser.wait_for(&format!("{tile}?.dataset.verdict === 'ready'"));
    browser.wait_for(&format!("{tile}.textContent.includes('sẵn sàng')"));
    browser.wait_for("document.querySelector('h1#title').textContent === 'Giao ban tuần'");
    browser
        .wait_for("/^−00:[01]\\d:\\d\\d$/.test(document.querySelector('#countdown').textContent)");

    say(&client, boot, 1, false);
    browser.wait_for(&format!("{tile}.dataset.verdict === 'not_ready'"));
    browser.wait_for(&format!("{tile}.textContent.includes('✖')"));
    browser.wait_for("document.querySelector('#news').textContent.includes('chưa sẵn sàng')");

    // By the keyboard to its page and back.
    browser.value(&format!("{tile}.focus()"));
    browser.press("Enter");
    browser.wait_for("document.querySelector('#siteContact').innerText.includes('<b>Tám</b>')");
    browser.wait_for("document.querySelector('#siteContact a').href === 'tel:0912345678'");
    browser.wait_for("document.querySelector('#siteReasons').innerText.includes('mcu')");
    browser.wait_for("document.activeElement.id === 'siteName'");
    browser.press("Escape");
    browser.wait_for(&format!("document.activeElement === {tile}"));

    arrows_lead_from_tile_to_tile(&mut browser);
    search_and_filter(&mut browser);
    names_stay_text(&mut browser);
    browser.go(&format!("http://{}/?lang=en&wall", collector.operations()));
    browser.wait_for("document.body.classList.contains('onwall')");
    browser.wait_for(&format!("{tile}?.textContent.includes('not ready')"));
    let height = "parseFloat(getComputedStyle(document.querySelector('.name')).fontSize)";
    browser.wait_for(&format!("{height} >= innerHeight * 0.05 - 0.5"));
}

fn arrows_lead_from_tile_to_tile(browser: &mut Browser) {
    let at = |place: &str| {
        format!("document.activeElement === [...document.querySelectorAll('.tile')].at({place})")
    };
    browser.value("document.querySelector('.tile').focus()");
    browser.press("ArrowRight");
    browser.wait_for(&at("1"));
    browser.press("ArrowLeft");
    browser.wait_for(&at("0"));
    browser.press("ArrowLeft");
    browser.wait_for(&at("0"));
    browser.press("ArrowDown");
    browser.wait_for("document.activeElement.getBoundingClientRect().top > document.querySelector('.tile').getBoundingClientRect().top");
    browser.press("ArrowUp");
    browser.wait_for(&at("0"));
    browser.value("[...document.querySelectorAll('.tile')].at(-1).focus()");
    browser.press("Home");
    browser.wait_for(&at("0"));
    // Hoằng Hóa stands first, for what fails there; the others have no area.
    browser.press("PageDown");
    browser.wait_for(
        "document.activeElement.closest('.area') === document.querySelector('.area:nth-child(2)')",
    );
    browser.press("PageUp");
    browser.wait_for(&at("0"));
}

fn search_and_filter(browser: &mut Browser) {
    let shown = |sites: &str| {
        format!(
            "[...document.querySelectorAll('.area:not([hidden]) .tile')].map((tile) => tile.dataset.site).sort().join() === '{sites}'"
        )
    };
    browser.wait_for(&shown("th-0316,th-0317,th-0318,th-0319"));
    browser.value("document.querySelector('#search').focus()");
    browser.type_text("hoang dat");
    browser.wait_for(&shown("th-0316"));
    browser.value("document.querySelector('#search').select()");
    browser.type_text("HOẰNG HOÁ");
    browser.wait_for(&shown("th-0316"));
    browser.value("document.querySelector('#search').select()");
    browser.type_text("no such site");
    browser.wait_for(&shown(""));
    browser.wait_for("!document.querySelector('#none').hidden");
    browser.value("document.querySelector('#search').value = ''");
    browser.value("document.querySelector('#search').dispatchEvent(new Event('input'))");
    browser.value("document.querySelector('#filters [data-verdict=unknown]').focus()");
    browser.press("Enter");
    browser.wait_for(&shown("th-0317,th-0318,th-0319"));
    browser.wait_for("document.activeElement.getAttribute('aria-pressed') === 'true'");
    browser.press("Enter");
    browser.wait_for(&shown("th-0316,th-0317,th-0318,th-0319"));
}

fn names_stay_text(browser: &mut Browser) {
    browser.wait_for("document.title === 'Giao ban tuần · Nhịp Cầu'");
    browser.wait_for("document.querySelectorAll('script').length === 1");
    browser.wait_for("document.querySelectorAll('#board img, #board b b, #board i').length === 0");
    let name = |site: &str| format!("document.querySelector('[data-site={site}] bdi').textContent");
    browser.wait_for(&format!("{}.startsWith('<script>')", name("th-0317")));
    browser.wait_for(&format!("{}.startsWith('\\u202E')", name("th-0318")));
    browser.wait_for(&format!("{}.length === 256", name("th-0319")));
    browser.wait_for("document.documentElement.scrollWidth <= innerWidth");
    // A meeting may be called anything too, also on a phone.
    let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    browser.ask("Emulation.setDeviceMetricsOverride", &phone);
    browser.value("document.querySelector('#meetings option').textContent = 'Ấ'.repeat(99)");
    browser.wait_for("document.querySelector('#meetings').checkVisibility()");
    browser.wait_for("document.documentElement.scrollWidth <= 360");
    browser.ask("Emulation.clearDeviceMetricsOverride", &json!({}));
}

#[test]
fn a_screen_reader_is_told_what_the_eye_sees() {
    let collector = Collector::start_with_calendar(&hostile(), &meeting(20));
    let client = Client::enrol(collector.agents(), &collector.code("th-0316"));
    let boot = Uuid::new_v4();
    say(&client, boot, 0, true);
    let Some(mut browser) = Browser::open(&format!("http://{}/?lang=en", collector.operations()))
    else {
        return;
    };
    browser.wait_for("document.querySelector('[data-site=th-0316]')?.dataset.verdict === 'ready'");
    say(&client, boot, 1, false);
    browser.wait_for("document.querySelector('#news').textContent.includes('not ready')");
    let told = browser.read_aloud();
    let has = |role: &str, name: &str| told.iter().any(|(r, n)| r == role && n.starts_with(name));
    for (role, name) in [
        ("heading", "Giao ban tuần"),
        ("heading", "Roll call"),
        ("heading", "Hoằng Hóa"),
        ("timer", ""),
        ("button", "1 not ready"),
        ("searchbox", "Search sites"),
        ("group", "Roll call"),
        // The sign is for the eye; the ear hears the word, and why.
        ("button", "UBND xã Hoằng Đạt not ready"),
        ("StaticText", "UBND xã Hoằng Đạt: not ready"),
    ] {
        assert!(has(role, name), "{role} {name:?} in {told:#?}");
    }
    let acted = ["button", "link", "textbox", "searchbox", "combobox"];
    let nameless = told.iter().find(|(role, name)| acted.contains(&&**role) && name.is_empty());
    assert_eq!(nameless, None, "{told:#?}");
    let why = told.iter().find(|(role, name)| role == "button" && name.contains("Hoằng Đạt"));
    assert!(why.is_some_and(|(_, name)| name.contains("mcu") && !name.contains('✖')), "{why:?}");
}

/// Has a site excused, which is judged at once.
fn excuse(collector: &Collector, site: &str) {
    let absence = json!({ "site": site, "from": "2020-01-01", "to": "2126-01-01", "reason": "sửa phòng họp" });
    let bearer = format!("Bearer {OPERATE_TOKEN}");
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", bearer.as_str()),
        ("Connection", "close"),
    ];
    let mut stream = http::connect(collector.operations()).unwrap();
    let body = absence.to_string();
    stream
        .write_all(&http::request("POST", "/api/v1/absences", &headers, body.as_bytes()))
        .unwrap();
    assert_eq!(http::read(&mut BufReader::new(stream)).unwrap().status, 201);
}

/// Ten thousand sites in a hundred areas.
fn ten_thousand() -> String {
    let mut text = "areas:\n".to_owned();
    for area in 0..100 {
        let _ = writeln!(text, "  - {{ id: a{area}, name: Địa bàn {area} }}");
    }
    text.push_str("sites:\n");
    for site in 0..10_000 {
        let _ = writeln!(
            text,
            "  - {{ id: s{site}, name: UBND xã {site}, area: a{}, needs: [network] }}",
            site % 100
        );
    }
    text
}

/// Counts what changes in the page, as the page itself sees it, and its longest frames.
const WATCH: &str = "
    window.touched = new Set(); window.moved = 0; window.longest = 0;
    new MutationObserver((changes) => {
      for (const change of changes) {
        const tile = change.target.closest?.('.tile');
        // At which tile Tab stops is not seen.
        if (tile && change.attributeName !== 'tabindex') touched.add(tile.dataset.site);
        if (change.type === 'childList' && change.target.matches?.('.tiles, #areas')) {
          moved += change.addedNodes.length + change.removedNodes.length;
        }
      }
    }).observe(document.querySelector('#areas'), { subtree: true, childList: true, attributes: true, characterData: true });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
    }).observe({ type: 'longtask' });
";

#[test]
fn of_ten_thousand_tiles_only_those_are_touched_that_change() {
    let collector = Collector::start(&ten_thousand());
    let board = format!("http://{}/?lang=en", collector.operations());
    let Some(mut browser) = Browser::open(&board) else { return };
    browser.wait_for("document.querySelectorAll('.tile').length === 10000");
    browser.value(WATCH);
    for (site, touched) in [("s4711", "s4711"), ("s815", "s4711,s815")] {
        browser.value("moved = 0");
        excuse(&collector, site);
        let tile = format!("document.querySelector('[data-site={site}]')");
        browser.wait_for(&format!("{tile}.dataset.verdict === 'excused'"));
        assert_eq!(browser.value("[...touched].sort().join()"), touched);
        // The tile moves within its area, and the area among the others.
        let moved = browser.value("moved").as_u64().unwrap();
        assert!(moved <= 4, "{moved} nodes moved for one site");
    }
    browser.value("document.querySelector('#search').focus()");
    browser.press("Tab");
    browser.wait_for("document.activeElement.matches('.tile')");
    browser.press("PageDown");
    browser.press("ArrowRight");
    browser.wait_for("document.activeElement === document.querySelectorAll('.area')[1].querySelectorAll('.tile')[1]");
    browser.press("Tab");
    browser.wait_for("document.activeElement.closest('footer') !== null");
    browser.value("document.querySelector('#search').focus()");
    browser.press("Tab");
    browser.wait_for("document.activeElement === document.querySelectorAll('.area')[1].querySelectorAll('.tile')[1]");
    browser.value("document.querySelector('#search').focus()");
    browser.type_text("ubnd xa 9999");
    browser.wait_for("document.querySelectorAll('.area:not([hidden]) .tile').length === 1");
    assert_eq!(browser.value("[...touched].sort().join()"), "s4711,s815", "no tile is made anew");
    println!("the longest task of the page took {} ms", browser.value("longest"));
}

#[test]
fn whoever_takes_gzip_gets_the_stream_in_it() {
    use std::io::Read;

    let collector = Collector::start(&hostile());
    let plain = collector_says(&collector, &[]);
    assert!(plain.starts_with("event: beat\n"), "{plain}");
    let mut stream = http::connect(collector.operations()).unwrap();
    let gzip = [("Accept-Encoding", "gzip, deflate, br, zstd"), ("Connection", "close")];
    stream.write_all(&http::request("GET", "/board/events?lang=en", &gzip, &[])).unwrap();
    let mut answer = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(answer.read_line(&mut head).unwrap(), 0);
    }
    assert!(head.contains("content-encoding: gzip"), "{head}");
    // One chunk is the header, each further one an event that can be read at once.
    let mut packed = Vec::new();
    for _ in 0..3 {
        let mut length = String::new();
        answer.read_line(&mut length).unwrap();
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        answer.read_exact(&mut chunk).unwrap();
        packed.extend_from_slice(&chunk[..length]);
    }
    let mut said = Vec::new();
    // The stream goes on, so its end is missing.
    let _ = flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut said);
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("event: beat\n") && said.contains("\nevent: picture\n"), "{said}");
    assert!(said.ends_with("\n\n") && packed.len() < said.len(), "{} bytes", packed.len());
}

/// The beginning of the stream as it comes to whoever takes no coding.
fn collector_says(collector: &Collector, headers: &[(&str, &str)]) -> String {
    let mut stream = http::connect(collector.operations()).unwrap();
    stream.write_all(&http::request("GET", "/board/events", headers, &[])).unwrap();
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    while !line.starts_with("event: ") {
        line.clear();
        assert_ne!(answer.read_line(&mut line).unwrap(), 0);
    }
    line
}
