//! The spool against a model, damaged files, a full disk, a second agent.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;

const BOOT: Uuid = Uuid::from_u128(7);
const ALL: usize = usize::MAX;

fn report(seq: u64, padding: usize) -> Stored {
    let json = format!("{{\"seq\":{seq},\"p\":\"{}\"}}", "x".repeat(padding));
    let taken_at = i64::try_from(seq).unwrap() * 1000;
    Stored { boot: BOOT, seq, taken_at, json: RawValue::from_string(json).unwrap() }
}

fn open(directory: &TempDir) -> Spool {
    Spool::open(directory.path(), Limits::default()).unwrap()
}

fn filled(directory: &TempDir, reports: u64) -> Spool {
    let mut spool = open(directory);
    for seq in 1..=reports {
        spool.append(report(seq, 500), Duration::from_secs(seq));
    }
    spool
}

fn seqs(reports: &[Stored]) -> Vec<u64> {
    reports.iter().map(|report| report.seq).collect()
}

fn adds_up(spool: &Spool) {
    let statistics = spool.statistics();
    assert_eq!(statistics.produced, statistics.settled() + statistics.reports, "{statistics:?}");
}

#[test]
fn the_newest_and_the_oldest_come_first_as_asked() {
    let directory = tempdir().unwrap();
    let mut spool = filled(&directory, 5);
    assert_eq!(seqs(&spool.newest(2, ALL)), [5, 4]);
    assert_eq!(seqs(&spool.oldest(2, ALL)), [1, 2]);
    assert_eq!(seqs(&spool.oldest(9, 1_100)), [1, 2], "as many as fit");
    assert_eq!(seqs(&spool.oldest(9, 1)), [1], "at least one");
    assert!(spool.oldest(0, ALL).is_empty());
    assert_eq!(spool.oldest(1, ALL)[0].json.get(), report(1, 500).json.get());
}

#[test]
fn what_is_settled_is_gone_and_counted_also_after_a_restart() {
    let directory = tempdir().unwrap();
    let mut spool = filled(&directory, 5);
    spool.settle(&[(BOOT, 1), (BOOT, 2), (BOOT, 99)], &[(BOOT, 3)]).unwrap();
    spool.settle(&[(BOOT, 1)], &[(BOOT, 1)]).unwrap();
    let before = spool.close();
    let after = open(&directory).statistics();
    assert_eq!((after.accepted, after.refused, after.reports), (2, 1, 2));
    assert_eq!(after.oldest_taken_at, Some(4000));
    assert_eq!(before, after);
}

#[test]
fn a_report_appended_twice_counts_once() {
    let directory = tempdir().unwrap();
    let mut spool = filled(&directory, 2);
    spool.append(report(2, 500), Duration::from_secs(3));
    assert_eq!((spool.statistics().produced, spool.statistics().reports), (2, 2));
}

#[test]
fn the_oldest_give_way_to_size() {
    let directory = tempdir().unwrap();
    let limits = Limits { bytes: 2_000, ..Limits::default() };
    let mut spool = Spool::open(directory.path(), limits).unwrap();
    for seq in 1..=10 {
        spool.append(report(seq, 500), Duration::ZERO);
    }
    assert_eq!(seqs(&spool.oldest(ALL, ALL)), [8, 9, 10]);
    assert_eq!(spool.statistics().evicted_by_size, 7);
    spool.append(report(11, 9_000), Duration::ZERO);
    assert_eq!(seqs(&spool.oldest(ALL, ALL)), [11], "the newest stays, however large");
    adds_up(&spool);
}

#[test]
fn age_is_time_the_agent_ran_and_no_wall_clock() {
    let directory = tempdir().unwrap();
    let day = Duration::from_hours(24);
    let mut first = open(&directory);
    // The PC starts in 2009, is set right, and then runs a day ahead.
    for (seq, taken_at) in [(1, 1_230_768_000_000), (2, 1_795_000_000_000), (3, 1_795_086_400_000)]
    {
        first.append(Stored { taken_at, ..report(seq, 1) }, Duration::from_secs(seq));
    }
    assert_eq!(first.statistics().evicted_by_age, 0);
    first.append(report(4, 1), day * 6);
    drop(first);
    // Whatever the PC's clock did while it was off, it counts for nothing.
    let mut second = open(&directory);
    second.append(report(5, 1), Duration::from_secs(1));
    assert_eq!(second.statistics().evicted_by_age, 0);
    second.append(report(6, 1), day);
    second.append(report(7, 1), day + Duration::from_secs(3));
    assert_eq!(second.statistics().evicted_by_age, 2, "the first two are now over a week old");
    assert_eq!(seqs(&second.oldest(ALL, ALL)), [3, 4, 5, 6, 7]);
    adds_up(&second);
}

#[test]
fn a_file_torn_at_any_byte_is_set_aside_and_said_or_sound() {
    let original = tempdir().unwrap();
    let whole = {
        let spool = filled(&original, 60);
        let _ = spool.close();
        fs::read(original.path().join(FILE)).unwrap()
    };
    let offsets = (0..whole.len()).step_by(997).chain([1, 15, 16, 99, 100, 4095, 4096, 4097]);
    for offset in offsets {
        let directory = tempdir().unwrap();
        fs::write(directory.path().join(FILE), &whole[..offset]).unwrap();
        let mut spool = open(&directory);
        // Cut inside its last page the file has the shape of a spool; then only the report there
        // is lost, and counted.
        let sound = spool.oldest(ALL, ALL).len() as u64;
        let statistics = spool.statistics();
        assert!(
            // SQLite holds a file of one byte for empty.
            offset <= 1 || statistics.set_aside == 1 || statistics.refused == 60 - sound,
            "cut at {offset}: {statistics:?}"
        );
        assert!(statistics.refused <= 1, "cut at {offset}: {statistics:?}");
        spool.append(report(99, 10), Duration::ZERO);
        assert_eq!(seqs(&spool.newest(1, ALL)), [99], "cut at {offset}");
        adds_up(&spool);
    }
}

#[test]
fn a_write_ahead_log_torn_at_any_byte_loses_only_its_end() {
    let original = tempdir().unwrap();
    let spool = filled(&original, 20);
    let file = fs::read(original.path().join(FILE)).unwrap();
    let log = fs::read(original.path().join("spool.db-wal")).unwrap();
    drop(spool);
    let mut kept = 0;
    for offset in (0..=log.len()).step_by(1009).chain([log.len()]) {
        let directory = tempdir().unwrap();
        fs::write(directory.path().join(FILE), &file).unwrap();
        fs::write(directory.path().join("spool.db-wal"), &log[..offset]).unwrap();
        let mut spool = open(&directory);
        adds_up(&spool);
        let found = spool.oldest(ALL, ALL);
        assert_eq!(seqs(&found), (1..=found.len() as u64).collect::<Vec<_>>());
        assert!(found.len() >= kept, "a longer log holds no fewer reports");
        kept = found.len();
    }
    assert_eq!(kept, 20);
}

#[test]
fn foreign_and_garbage_files_are_set_aside_and_only_the_last_three_kept() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    let other = directory.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    let newer = directory.path().join("newer.db");
    let version = format!(
        "CREATE TABLE x (y); PRAGMA application_id = {}; PRAGMA user_version = 99",
        0x4e43_5350
    );
    rusqlite::Connection::open(&newer).unwrap().execute_batch(&version).unwrap();
    let strangers = [
        b"not a database, but long enough to have a header of one hundred bytes. ".repeat(9),
        vec![0; 8192],
        vec![0xff; 5000],
        fs::read(other).unwrap(),
        fs::read(newer).unwrap(),
    ];
    for (number, stranger) in (1..).zip(strangers) {
        fs::write(&path, &stranger).unwrap();
        let mut spool = open(&directory);
        assert_eq!(spool.statistics().set_aside, number);
        spool.append(report(1, 1), Duration::ZERO);
        let _ = spool.close();
        let aside = directory.path().join(format!("spool.db.damaged-{number}"));
        assert!(aside.exists(), "{number}");
    }
    assert_eq!(open(&directory).statistics().set_aside, 5, "a sound one is counted no more");
    let kept = fs::read_dir(directory.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("damaged"));
    assert_eq!(kept.count(), 3);
}

#[test]
fn a_file_damaged_while_in_use_is_replaced_and_nothing_new_is_lost() {
    let directory = tempdir().unwrap();
    let mut spool = open(&directory);
    // More than SQLite keeps in memory.
    for seq in 1..=200 {
        spool.append(report(seq, 5_000), Duration::from_secs(seq));
    }
    let path = directory.path().join(FILE);
    let length = fs::metadata(&path).unwrap().len();
    fs::write(&path, vec![0xaa; usize::try_from(length).unwrap()]).unwrap();
    fs::write(directory.path().join("spool.db-wal"), b"").unwrap();
    for seq in 201..=210 {
        spool.append(report(seq, 500), Duration::from_secs(seq));
        let _ = spool.oldest(10, ALL);
    }
    assert_eq!(spool.statistics().set_aside, 1);
    assert_eq!(seqs(&spool.newest(1, ALL)), [210]);
    adds_up(&spool);
}

#[test]
fn a_second_agent_is_told_that_one_is_running() {
    let directory = tempdir().unwrap();
    let first = filled(&directory, 3);
    let error = Spool::open(directory.path(), Limits::default()).unwrap_err();
    assert!(matches!(error, SpoolError::InUse(_)), "{error}");
    assert!(error.to_string().contains("another agent is running"), "{error}");
    adds_up(&first);
    drop(first);
    assert_eq!(open(&directory).statistics().reports, 3);
}

#[test]
fn a_full_disk_keeps_nobody_from_pushing() {
    let directory = tempdir().unwrap();
    let mut spool = filled(&directory, 3);
    spool.disk.as_ref().unwrap().refuse_growth();
    for seq in 4..=6 {
        spool.append(report(seq, 20_000), Duration::from_secs(seq));
    }
    assert_eq!(spool.waiting.reports().count(), 3, "they wait in memory");
    assert_eq!(seqs(&spool.newest(4, ALL)), [6, 5, 4, 3]);
    assert_eq!(seqs(&spool.oldest(9, ALL)), [1, 2, 3, 4, 5, 6]);
    spool.settle(&[(BOOT, 6), (BOOT, 1)], &[(BOOT, 5)]).unwrap();
    let full = spool.statistics();
    assert_eq!((full.produced, full.accepted, full.refused, full.reports), (6, 2, 1, 3));
    adds_up(&spool);

    spool.settle(&[(BOOT, 4)], &[]).expect("what only waits needs no disk");
    spool.disk.as_ref().unwrap().allow_growth();
    spool.append(report(7, 20_000), Duration::from_secs(7));
    assert_eq!(spool.waiting.reports().count(), 0, "written when there is room again");
    drop(spool);
    let mut spool = open(&directory);
    assert_eq!(seqs(&spool.oldest(9, ALL)), [2, 3, 7]);
    assert_eq!((spool.statistics().produced, spool.statistics().accepted), (7, 3));
    adds_up(&spool);
}

#[test]
fn a_disk_full_for_too_long_costs_the_oldest_and_counts_them() {
    let directory = tempdir().unwrap();
    let mut spool = filled(&directory, 1);
    spool.disk.as_ref().unwrap().refuse_growth();
    for seq in 2..=61 {
        spool.append(report(seq, 20_000), Duration::from_secs(seq));
    }
    let full = spool.statistics();
    assert_eq!(full.evicted_by_disk_full, 60 - 52, "52 of 20,018 bytes fit into a mebibyte");
    assert_eq!(seqs(&spool.newest(1, ALL)), [61]);
    adds_up(&spool);
    spool.disk.as_ref().unwrap().allow_growth();
    let left = spool.close();
    assert_eq!(open(&directory).statistics(), left);
    assert_eq!(left.evicted_by_disk_full, 8);
}

#[test]
fn a_report_that_is_no_json_any_more_is_dropped_and_counted() {
    let directory = tempdir().unwrap();
    let _ = filled(&directory, 3).close();
    rusqlite::Connection::open(directory.path().join(FILE))
        .unwrap()
        .execute("UPDATE report SET json = '{\"seq\":' WHERE seq = 1", [])
        .unwrap();
    let mut spool = open(&directory);
    assert_eq!(seqs(&spool.oldest(1, ALL)), [2]);
    assert_eq!((spool.statistics().refused, spool.statistics().reports), (1, 2));
    adds_up(&spool);
}

#[test]
#[cfg(unix)]
fn only_the_agents_user_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempdir().unwrap();
    let state = directory.path().join("state");
    let spool = Spool::open(&state, Limits::default()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join(FILE)), 0o600);
    assert_eq!(mode(&state.join("spool.db-wal")), 0o600);
    drop(spool);
}

fn wire_report(seq: u64) -> wire::Report {
    let (boot, taken_at, uptime_ms) = (BOOT, 1000, 1);
    let agent = wire::AgentInfo::default();
    wire::Report { boot, seq, taken_at, uptime_ms, agent, readings: Vec::new() }
}

#[tokio::test]
async fn the_handle_tells_of_new_reports_and_closes_for_good() {
    let directory = tempdir().unwrap();
    let handle = Handle::open(directory.path(), Limits::default()).unwrap();
    assert_eq!(handle.statistics(), Statistics::default());
    handle.append(&wire_report(1)).await.unwrap();
    assert_eq!(handle.statistics().produced, 1, "known as soon as it is kept");
    handle.appended(0).await;
    let news = tokio::spawn({
        let handle = handle.clone();
        async move { handle.appended(1).await }
    });
    handle.append(&wire_report(2)).await.unwrap();
    news.await.unwrap();
    handle.settle(vec![(BOOT, 1)], Vec::new()).await.unwrap();
    assert_eq!(seqs(&handle.newest(9, ALL).await.unwrap()), [2]);

    let left = handle.close().await;
    assert_eq!((left.produced, left.accepted, left.reports), (2, 1, 1));
    assert!(matches!(handle.append(&wire_report(3)).await, Err(SpoolError::Closed)));
    assert!(matches!(handle.oldest(1, 1).await, Err(SpoolError::Closed)));
    assert_eq!(open(&directory).statistics(), left);
    assert!(!directory.path().join("spool.db-wal").exists(), "the file is whole by itself");
}

/// What may happen to a spool.
#[derive(Debug, Clone)]
enum Step {
    Append { padding: usize, seconds: u64 },
    Newest { reports: usize, bytes: usize },
    Oldest { reports: usize, bytes: usize },
    Settle { accepted: Vec<u64>, refused: Vec<u64> },
    Restart,
    PowerCut,
}

fn step() -> impl Strategy<Value = Step> {
    let some = || vec(0_u64..40, 0..4);
    prop_oneof![
        6 => (0_usize..300, 0_u64..40).prop_map(|(padding, seconds)| Step::Append { padding, seconds }),
        2 => (0_usize..9, 0_usize..900).prop_map(|(reports, bytes)| Step::Newest { reports, bytes }),
        2 => (0_usize..9, 0_usize..900).prop_map(|(reports, bytes)| Step::Oldest { reports, bytes }),
        3 => (some(), some()).prop_map(|(accepted, refused)| Step::Settle { accepted, refused }),
        1 => Just(Step::Restart),
        1 => Just(Step::PowerCut),
    ]
}

/// The spool as a plain list.
#[derive(Debug, Default)]
struct Model {
    queue: Vec<(u64, usize, u64)>,
    totals: Statistics,
    running: u64,
}

const LIMITS: Limits = Limits { bytes: 1_500, age: Duration::from_secs(100) };

impl Model {
    fn append(&mut self, seq: u64, bytes: usize, running: u64) {
        self.queue.push((seq, bytes, running));
        self.totals.produced += 1;
        self.running = running;
        while self.queue.len() > 1 {
            if self.queue.iter().map(|(_, bytes, _)| *bytes as u64).sum::<u64>() > LIMITS.bytes {
                self.totals.evicted_by_size += 1;
            } else if self.queue[0].2 + LIMITS.age.as_secs() < running {
                self.totals.evicted_by_age += 1;
            } else {
                break;
            }
            self.queue.remove(0);
        }
    }

    fn drop_all(&mut self, seqs: &[u64]) -> u64 {
        let before = self.queue.len();
        self.queue.retain(|(seq, ..)| !seqs.contains(seq));
        (before - self.queue.len()) as u64
    }

    fn read<'a>(
        queue: impl Iterator<Item = &'a (u64, usize, u64)>,
        reports: usize,
        bytes: usize,
    ) -> Vec<u64> {
        let mut left = bytes;
        let mut found = Vec::new();
        for (seq, size, _) in queue.take(reports) {
            if *size > left && !found.is_empty() {
                break;
            }
            left = left.saturating_sub(*size);
            found.push(*seq);
        }
        found
    }

    fn statistics(&self) -> Statistics {
        Statistics {
            reports: self.queue.len() as u64,
            bytes: self.queue.iter().map(|(_, bytes, _)| *bytes as u64).sum(),
            oldest_taken_at: self
                .queue
                .first()
                .map(|(seq, ..)| i64::try_from(*seq).unwrap() * 1000),
            ..self.totals
        }
    }
}

/// The files as a power cut leaves them, in a directory of their own.
fn after_a_power_cut(directory: &TempDir) -> TempDir {
    let copy = tempdir().unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_order_of_steps_leaves_what_the_model_has(steps in vec(step(), 1..60)) {
        let mut directory = tempdir().unwrap();
        let mut spool = Spool::open(directory.path(), LIMITS).unwrap();
        let mut model = Model::default();
        let (mut seq, mut before, mut now) = (0, 0, 0);
        for step in steps {
            match step {
                Step::Append { padding, seconds } => {
                    seq += 1;
                    now += seconds;
                    let report = report(seq, padding);
                    model.append(seq, report.json.get().len(), before + now);
                    spool.append(report, Duration::from_secs(now));
                }
                Step::Newest { reports, bytes } => prop_assert_eq!(
                    seqs(&spool.newest(reports, bytes)),
                    Model::read(model.queue.iter().rev(), reports, bytes)
                ),
                Step::Oldest { reports, bytes } => prop_assert_eq!(
                    seqs(&spool.oldest(reports, bytes)),
                    Model::read(model.queue.iter(), reports, bytes)
                ),
                Step::Settle { accepted, refused } => {
                    model.totals.accepted += model.drop_all(&accepted);
                    model.totals.refused += model.drop_all(&refused);
                    let keys = |seqs: &[u64]| seqs.iter().map(|seq| (BOOT, *seq)).collect::<Vec<_>>();
                    spool.settle(&keys(&accepted), &keys(&refused)).unwrap();
                }
                Step::Restart | Step::PowerCut => {
                    if matches!(step, Step::PowerCut) {
                        directory = after_a_power_cut(&directory);
                    } else {
                        drop(spool);
                    }
                    spool = Spool::open(directory.path(), LIMITS).unwrap();
                    (before, now) = (model.running, 0);
                }
            }
            prop_assert_eq!(spool.statistics(), model.statistics());
            adds_up(&spool);
        }
    }
}
