//! Enrolment against a scripted collector.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use wire::enrolment::{SECRET_BYTES, pin_of};

use super::*;
use crate::uplink::scripted::{Reply, Request, Scripted};

const SECRET: [u8; SECRET_BYTES] = [9; SECRET_BYTES];

/// A PC before its enrolment.
struct Pc {
    directory: TempDir,
}

impl Pc {
    fn new() -> Self {
        let pc = Self { directory: tempdir().unwrap() };
        let own = format!("# của tôi\nstate_dir: {}\n", pc.state().display());
        fs::write(pc.config(), own).unwrap();
        pc
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("agent.yaml")
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    async fn enrol(&self, code: &Code) -> Result<Enrolled, Failure> {
        enrol(&code.to_string(), &self.config(), Manner::Replace, Language::Vi).await.map(site)
    }
}

fn site(outcome: Outcome) -> Enrolled {
    match outcome {
        Outcome::Enrolled(enrolled) => enrolled,
        waiting => panic!("{waiting:?}"),
    }
}

fn code(collector: &Scripted) -> Code {
    Code {
        host: "127.0.0.1".into(),
        port: collector.address.port(),
        secret: SECRET,
        pin: pin_of(&collector.authority),
    }
}

fn welcome(now: i64) -> Reply {
    Reply::json(200, &json!({"site": "th-0316", "name": "UBND xã Hoằng Lộc", "now": now}))
}

#[tokio::test]
async fn one_code_makes_this_pc_a_site() {
    let seen = Arc::new(Mutex::new(None::<Request>));
    let kept = Arc::clone(&seen);
    let collector = Scripted::start(move |request| {
        *kept.lock().unwrap() = Some(request.clone());
        welcome(unix_ms())
    })
    .await;
    let pc = Pc::new();
    let enrolled = pc.enrol(&code(&collector)).await.unwrap();
    assert_eq!(enrolled.site.as_str(), "th-0316");
    let told = enrolled.told(Language::Vi);
    assert!(told.contains("th-0316 (UBND xã Hoằng Lộc)") && told.lines().count() == 1, "{told}");

    let identity = identity::load(&pc.state()).unwrap().unwrap();
    assert_eq!(identity.collector, collector.address.to_string());
    assert_eq!(identity.authority, collector.authority.as_ref());
    let request = seen.lock().unwrap().clone().unwrap();
    assert!(request.head.starts_with("POST /v1/enroll HTTP/1.1\r\n"), "{}", request.head);
    let sent = request.json();
    let hash = sha256_hex(identity.credential.expose().as_bytes());
    assert_eq!(sent["credential_sha256"], Value::from(hash));
    assert_eq!(sent["secret"], Value::from("09".repeat(10)));
    assert!(!String::from_utf8(request.body).unwrap().contains(identity.credential.expose()));

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(pc.state()), 0o700);
        assert_eq!(mode(pc.state().join("identity.json")), 0o600);
        assert_eq!(mode(pc.state().join("enrolment.json")), 0o600);
    }
    assert!(fs::read_to_string(pc.config()).unwrap().starts_with("# của tôi\n"));
}

#[tokio::test]
async fn an_answer_lost_on_the_way_is_asked_for_again_with_the_same_credential() {
    let hashes = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&hashes);
    let collector = Scripted::start(move |request| {
        let mut kept = kept.lock().unwrap();
        kept.push(request.json()["credential_sha256"].clone());
        if kept.len() == 1 { Reply::closed("") } else { welcome(unix_ms()) }
    })
    .await;
    let pc = Pc::new();
    let failure = pc.enrol(&code(&collector)).await.unwrap_err();
    assert!(matches!(failure, Failure::Way(_, _)), "{failure}");
    assert!(failure.told(Language::Vi).contains("chạy lại"), "{}", failure.told(Language::Vi));
    assert!(identity::load(&pc.state()).unwrap().is_none());
    pc.enrol(&code(&collector)).await.unwrap();
    pc.enrol(&code(&collector)).await.unwrap();
    // Another code is another enrolment.
    pc.enrol(&Code { secret: [8; SECRET_BYTES], ..code(&collector) }).await.unwrap();
    let hashes = hashes.lock().unwrap();
    assert_eq!((&hashes[0], &hashes[0]), (&hashes[1], &hashes[2]), "typed again to be sure");
    assert_ne!(hashes[2], hashes[3]);
}

#[tokio::test]
async fn another_collector_is_not_trusted() {
    let (ours, theirs) =
        (Scripted::start(|_| welcome(0)).await, Scripted::start(|_| welcome(0)).await);
    let pc = Pc::new();
    let failure = pc.enrol(&Code { port: theirs.address.port(), ..code(&ours) }).await.unwrap_err();
    assert!(matches!(failure, Failure::WrongCollector(_)), "{failure}");
    assert!(failure.told(Language::En).contains("is not the collector that made this code"));
    assert!(identity::load(&pc.state()).unwrap().is_none());
    // The right one under a name it has no certificate for.
    let elsewhere = Code { host: "localhost".into(), ..code(&ours) };
    let failure = pc.enrol(&elsewhere).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Way(_, failed) if failed.mark == Some(Mark::OtherName)),
        "{failure}"
    );
    assert!(failure.told(Language::Vi).contains("agents.names"), "{failure}");
}

#[tokio::test]
async fn what_the_collector_refuses_is_said_in_both_languages() {
    for (reply, vi, en) in [
        (
            Reply::json(403, &json!({"error": "unknown_code"})),
            "không biết mã này",
            "does not know this code",
        ),
        (Reply::json(403, &json!({"error": "used_code"})), "đã được dùng", "has been used"),
        (Reply::json(403, &json!({"error": "expired_code"})), "đã hết hạn", "has expired"),
        (Reply::json(429, &json!({"error": "too_many"})), "quá nhiều", "Too many"),
        (Reply::json(503, &json!({"error": "of_tomorrow"})), "Đợi 60 giây", "Wait 60 seconds"),
        (
            Reply::text(429, "Retry-After: 7\r\n", r#"{"error": "too_many"}"#),
            "Đợi 7 giây",
            "Wait 7 seconds",
        ),
        (Reply::text(502, "", "<html>"), "đang bận hoặc có lỗi", "is busy or fails"),
        (Reply::text(400, "", "version 1 is not spoken here"), "phiên bản", "versions"),
        (Reply::text(302, "Location: https://x/\r\n", ""), "không đúng", "makes no sense"),
        (Reply::text(200, "", "<html>"), "không đúng", "makes no sense"),
        (Reply::text(404, "", ""), "404", "404"),
        (Reply::text(200, "", &" ".repeat(20_000)), "với chính mã này", "with the same code"),
    ] {
        let collector = Scripted::start(move |_| reply.clone()).await;
        let pc = Pc::new();
        let failure = pc.enrol(&code(&collector)).await.unwrap_err();
        let (told_vi, told_en) = (failure.told(Language::Vi), failure.told(Language::En));
        assert!(told_vi.contains(vi), "{told_vi}");
        assert!(told_en.contains(en), "{told_en}");
        assert!(identity::load(&pc.state()).unwrap().is_none());
    }
}

#[tokio::test]
async fn no_way_to_the_collector_says_what_to_check() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pc = Pc::new();
    let nobody = Code { host: "127.0.0.1".into(), port: free.port(), secret: SECRET, pin: [0; 16] };
    let failure = pc.enrol(&nobody).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Way(_, failed) if failed.cause == Cause::Refused),
        "{failure}"
    );
    assert!(failure.told(Language::Vi).contains("collector có đang chạy không"), "{failure}");
}

#[tokio::test]
async fn a_clock_years_off_is_told_and_does_no_harm() {
    let day = 86_400_000;
    for (offset, vi, en) in [
        (-6_200 * day - 3_600_000, "chậm 6200 ngày", "6200 days behind"),
        (day + 3_600_000, "nhanh 25 giờ", "25 hours ahead"),
        (400_000, "nhanh 6 phút", "6 minutes ahead"),
    ] {
        let collector = Scripted::start(move |_| welcome(unix_ms() - offset)).await;
        let enrolled = Pc::new().enrol(&code(&collector)).await.unwrap();
        assert!(enrolled.told(Language::Vi).contains(vi), "{}", enrolled.told(Language::Vi));
        assert!(enrolled.told(Language::En).contains(en), "{}", enrolled.told(Language::En));
    }
}

#[tokio::test]
async fn faults_on_this_pc_are_said_before_the_code_is_used() {
    let collector = Scripted::start(|_| welcome(0)).await;
    let pc = Pc::new();
    for (typed, vi) in [
        ("nonsense", "thiếu địa chỉ"),
        ("127.0.0.1:8443/ABC", "chưa đủ"),
        ("127.0.0.1:8443/ABU", "'U'"),
    ] {
        let failure = enrol(typed, &pc.config(), Manner::Now, Language::Vi).await.unwrap_err();
        assert!(failure.told(Language::Vi).contains(vi), "{}", failure.told(Language::Vi));
    }
    let broken = "stat_dir: /x\n";
    fs::write(pc.config(), broken).unwrap();
    let failure = pc.enrol(&code(&collector)).await.unwrap_err();
    assert!(matches!(failure, Failure::Configuration(_)), "{failure}");
    assert!(failure.told(Language::Vi).contains("agent.yaml:1"), "{}", failure.told(Language::Vi));
    fs::write(pc.config(), "state_dir: /dev/null/state\n").unwrap();
    let failure = pc.enrol(&code(&collector)).await.unwrap_err();
    assert!(matches!(failure, Failure::Local(_)), "{failure}");
    assert_eq!(collector.connections(), 0);
}

#[tokio::test]
async fn a_second_enrolment_says_that_it_replaces_the_first() {
    let collector = Scripted::start(|_| welcome(unix_ms())).await;
    let pc = Pc::new();
    assert!(!pc.enrol(&code(&collector)).await.unwrap().replaced);
    assert!(!pc.enrol(&code(&collector)).await.unwrap().replaced, "the same code again");
    let other = Code { secret: [8; SECRET_BYTES], ..code(&collector) };
    let second = pc.enrol(&other).await.unwrap();
    assert!(second.replaced && second.told(Language::Vi).contains("khởi động lại"));
}

#[tokio::test]
async fn a_site_is_not_replaced_unless_it_is_said_or_it_was_revoked() {
    let known = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let accepted = Arc::clone(&known);
    let collector = Scripted::start(move |request| {
        if request.head.starts_with("POST /v1/enroll ") {
            return welcome(unix_ms());
        }
        if accepted.load(std::sync::atomic::Ordering::Relaxed) {
            request.accepted()
        } else {
            Reply::text(401, "", "")
        }
    })
    .await;
    let pc = Pc::new();
    let first = code(&collector).to_string();
    let second = Code { secret: [8; SECRET_BYTES], ..code(&collector) }.to_string();
    let typed = async |code: &str, manner| {
        enrol(code, &pc.config(), manner, Language::Vi).await.map(site).map_err(|failure| {
            assert!(matches!(failure, Failure::Enrolled { .. }), "{failure}");
            failure.told(Language::Vi)
        })
    };
    assert!(!typed(&first, Manner::Now).await.unwrap().replaced);
    assert!(!typed(&first, Manner::Now).await.unwrap().replaced, "typed again");
    let told = typed(&second, Manner::Now).await.unwrap_err();
    assert!(told.contains("th-0316") && told.contains("--replace"), "{told}");
    assert!(typed(&second, Manner::Replace).await.unwrap().replaced);
    known.store(false, std::sync::atomic::Ordering::Relaxed);
    assert!(typed(&first, Manner::Now).await.unwrap().replaced, "nothing is lost");
}

#[tokio::test]
async fn with_the_fleets_code_this_pc_waits_and_is_a_site_once_it_is_assigned() {
    let assigned = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is = Arc::clone(&assigned);
    let hashes = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&hashes);
    let collector = Scripted::start(move |request| {
        kept.lock().unwrap().push(request.json()["credential_sha256"].clone());
        if is.load(std::sync::atomic::Ordering::Relaxed) {
            return welcome(unix_ms());
        }
        Reply::json(202, &json!({"waiting": 17, "again_seconds": 7_200, "now": unix_ms()}))
    })
    .await;
    let pc = Pc::new();
    let typed = code(&collector).to_string();
    let outcome = enrol(&typed, &pc.config(), Manner::Now, Language::Vi).await.unwrap();
    assert!(outcome.told(Language::Vi).contains("đọc số 17"), "{}", outcome.told(Language::Vi));
    let waiting = waits(&pc.state()).unwrap();
    assert_eq!(waiting.number(), Some(17));
    let again = waiting.ask(&pc.state(), None).await.unwrap();
    assert_eq!(again, Duration::from_mins(30), "not as long as that");
    assert!(identity::load(&pc.state()).unwrap().is_none());
    assigned.store(true, std::sync::atomic::Ordering::Relaxed);
    waits(&pc.state()).unwrap().ask(&pc.state(), None).await.unwrap();
    assert!(waits(&pc.state()).is_none(), "the code is not kept any longer");
    let identity = identity::load(&pc.state()).unwrap().unwrap();
    assert_eq!(identity.site.as_str(), "th-0316");
    let hashes = hashes.lock().unwrap();
    assert!(hashes.len() == 3 && hashes.iter().all(|hash| *hash == hashes[0]), "one credential");
}

#[tokio::test]
async fn an_installers_code_is_kept_while_the_collector_is_away_and_used_once_it_is_there() {
    let up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is = Arc::clone(&up);
    let collector = Scripted::start(move |_| {
        if is.load(std::sync::atomic::Ordering::Relaxed) {
            welcome(unix_ms())
        } else {
            Reply::text(503, "", "")
        }
    })
    .await;
    let pc = Pc::new();
    let typed = code(&collector).to_string();
    let outcome = enrol(&typed, &pc.config(), Manner::Later, Language::Vi).await.unwrap();
    let told = outcome.told(Language::Vi);
    assert!(told.contains("giữ mã ghi danh") && told.contains("đang bận"), "{told}");
    let kept = fs::read(pc.state().join("enrolment.json")).unwrap();
    #[cfg(unix)]
    assert!(String::from_utf8(kept).unwrap().contains(&typed));
    #[cfg(windows)]
    assert!(!String::from_utf8_lossy(&kept).contains(&typed), "it lies open");
    let waiting = waits(&pc.state()).unwrap();
    assert_eq!((waiting.number(), waiting.collector()), (None, collector.address.to_string()));
    assert!(waiting.ask(&pc.state(), None).await.is_err());
    assert!(waits(&pc.state()).is_some() && refused(&pc.state()).is_none());
    up.store(true, std::sync::atomic::Ordering::Relaxed);
    waits(&pc.state()).unwrap().ask(&pc.state(), None).await.unwrap();
    assert_eq!(identity::load(&pc.state()).unwrap().unwrap().site.as_str(), "th-0316");
    assert!(waits(&pc.state()).is_none());
    let left = fs::read(pc.state().join("enrolment.json")).unwrap();
    let left = String::from_utf8(platform::unsealed(left).unwrap()).unwrap();
    assert!(!left.contains(typed.rsplit_once('/').unwrap().1), "{left}");
}

#[tokio::test]
async fn a_code_that_will_never_be_taken_is_not_kept() {
    let collector = Scripted::start(|_| Reply::json(403, &json!({"error": "expired_code"}))).await;
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pc = Pc::new();
    // At once, where it is known at once.
    let typed = code(&collector).to_string();
    let failure = enrol(&typed, &pc.config(), Manner::Later, Language::Vi).await.unwrap_err();
    assert!(matches!(failure, Failure::Refused(EnrolError::ExpiredCode, _)), "{failure}");
    assert!(waits(&pc.state()).is_none());
    // Or as soon as it is known.
    let waiting = Code { port: away.port(), ..code(&collector) };
    enrol(&waiting.to_string(), &pc.config(), Manner::Later, Language::Vi).await.unwrap();
    let attempt = attempt::last(&pc.state()).unwrap();
    attempt.wait(&pc.state(), Waits { code: typed.clone(), number: None }).unwrap();
    assert!(waits(&pc.state()).unwrap().ask(&pc.state(), None).await.is_err());
    assert!(waits(&pc.state()).is_none());
    assert_eq!(refused(&pc.state()), Some(EnrolError::ExpiredCode));
    // A number at the collector stays good whatever becomes of the code behind it.
    let attempt = attempt::last(&pc.state()).unwrap();
    attempt.wait(&pc.state(), Waits { code: typed, number: Some(17) }).unwrap();
    assert!(waits(&pc.state()).unwrap().ask(&pc.state(), None).await.is_err());
    assert_eq!(waits(&pc.state()).unwrap().number(), Some(17));
}
