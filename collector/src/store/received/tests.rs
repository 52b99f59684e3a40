use super::*;
use crate::store;

fn reception(numbers: impl IntoIterator<Item = (u128, u64)>) -> Reception {
    let reports = numbers.into_iter().map(|(boot, seq)| (Uuid::from_u128(boot), seq, Some(7)));
    Reception {
        site: "th-0316".parse().unwrap(),
        received_at: 1_790_000_000_000,
        clock: Some((Uuid::from_u128(1), -250)),
        reports: reports.collect(),
    }
}

fn open(directory: &tempfile::TempDir) -> (Handle, History) {
    let telemetry = Arc::new(Telemetry::new().unwrap());
    start(store::open(directory.path()).unwrap(), telemetry).unwrap()
}

#[tokio::test]
async fn what_was_counted_stays_counted_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (handle, history) = open(&directory);
    assert_eq!(history, History::default());
    let new = handle.record(reception([(1, 3), (1, 1), (2, 9)])).await.unwrap();
    assert_eq!(new, [Verdict::New; 3]);
    // 2 joins 1 and 3: one interval goes, one grows.
    assert_eq!(handle.record(reception([(1, 2)])).await, Ok(vec![Verdict::New]));
    handle.close().await;

    let (handle, mut history) = open(&directory);
    history.boots.sort_by_key(|past| past.boot);
    let past: Vec<_> =
        history.boots.iter().map(|past| (past.boot.as_u128(), past.clock_offset)).collect();
    assert_eq!(past, [(1, Some(-250)), (2, None)]);
    let again = handle.record(reception([(1, 1), (1, 2), (1, 3), (2, 9), (1, 4)])).await.unwrap();
    assert_eq!(again[..4], [Verdict::Duplicate; 4]);
    assert_eq!(again[4], Verdict::New);
}

#[tokio::test]
async fn many_requests_at_once_are_each_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    let (handle, _) = open(&directory);
    let mut requests = tokio::task::JoinSet::new();
    for first in 0..50_u64 {
        let handle = handle.clone();
        // Every number comes in two requests.
        requests.spawn(async move { handle.record(reception([(1, first), (1, first + 1)])).await });
    }
    let mut new = 0;
    while let Some(verdicts) = requests.join_next().await {
        new += verdicts.unwrap().unwrap().iter().filter(|v| **v == Verdict::New).count();
    }
    assert_eq!(new, 51);
}

#[tokio::test]
async fn a_disk_that_refuses_leaves_the_reports_new() {
    let directory = tempfile::tempdir().unwrap();
    let connection = store::open(directory.path()).unwrap();
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    // SQLite then answers as on a full disk.
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let telemetry = Arc::new(Telemetry::new().unwrap());
    let (handle, _) = start(connection, Arc::clone(&telemetry)).unwrap();
    let many = || reception((0..500).map(|n| (1, n * 2)));
    assert_eq!(handle.record(many()).await, Err(Unavailable));
    assert_eq!(telemetry.store_errors.get(), 1);
    // What still fits is taken, and nothing of the failed group is held for counted.
    assert_eq!(handle.record(reception([(1, 0)])).await, Ok(vec![Verdict::New]));
    handle.close().await;

    let (handle, _) = open(&directory);
    let verdicts = handle.record(many()).await.unwrap();
    assert_eq!(verdicts[0], Verdict::Duplicate);
    assert!(verdicts[1..].iter().all(|verdict| *verdict == Verdict::New));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (handle, _) = open(&directory);
    handle.close().await;
    assert_eq!(handle.record(reception([(1, 1)])).await, Err(Unavailable));
    handle.close().await;
}
