//! The one thread on which everything runs but the spool, echoes and what waits for a device.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio_util::task::TaskTracker;

use crate::platform;

/// Names, disks and adapters are asked on threads of their own. With dead name servers each lookup
/// holds its thread for half a minute, longer than its probe waits; with fewer threads a probe
/// that needs no name would wait too.
const ASIDE: usize = 32;

/// Threads beside the one are begun when needed and soon ended: each holds memory.
const ASIDE_KEPT: Duration = Duration::from_secs(1);

/// What has to be said to others before this program ends.
static FAREWELLS: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// A little more than a farewell waits for its answer by itself; a service manager waits longer.
const FAREWELLS_LIMIT: Duration = Duration::from_secs(3);

/// Does `farewell` in the background, and holds up the end of the program until it is done: so a
/// run that is cut off by that end leaves nothing open on a device either.
pub fn farewell(farewell: impl Future<Output = ()> + Send + 'static) {
    FAREWELLS.spawn(farewell);
}

/// Runs `program` to its end. Questions to devices that hang then are left behind.
///
/// One thread is enough for a dozen probes, and it is the whole difference between 4 and 8 MiB.
/// Tasks are local to the runtime itself: those of a `LocalSet` wake the thread a second time,
/// through a descriptor, each time that one of them has something to do.
pub fn block_on<F: Future>(program: F) -> io::Result<F::Output> {
    platform::share_heap();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(ASIDE)
        .thread_keep_alive(ASIDE_KEPT)
        .build_local(LocalOptions::default())?;
    let outcome = runtime.block_on(async {
        let outcome = program.await;
        FAREWELLS.close();
        let _ = tokio::time::timeout(FAREWELLS_LIMIT, FAREWELLS.wait()).await;
        outcome
    });
    runtime.shutdown_background();
    Ok(outcome)
}
