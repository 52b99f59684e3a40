//! Processor time, counted by the scheduler.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::time::ClockId;
use nix::unistd::Pid;
use tests::program::Program;
use tests::wan::Wan;

use crate::Each;
use crate::contender::{BARE, CONTENDERS, Contender};

/// Start-up is not what is compared.
const WARM_UP: Duration = Duration::from_secs(3);

/// A program that happens to wake just after another finds caches full of what both need, for as
/// long as both keep their beat: the mean of several beginnings.
const ROUNDS: u32 = 5;

/// Processor seconds an hour of each contender, and of the bare system calls, all running side by
/// side for `time` in all.
pub(crate) fn measure(wan: &Wan, rate: u32, time: Duration) -> (Each<f64>, f64) {
    let (mut sum, mut bare_sum) = (Each::<f64>::default(), 0.0);
    for _ in 0..ROUNDS {
        let (each, bare) = round(wan, rate, time / ROUNDS);
        sum = std::array::from_fn(|n| sum[n] + each[n]);
        bare_sum += bare;
    }
    (sum.map(|sum| sum / f64::from(ROUNDS)), bare_sum / f64::from(ROUNDS))
}

fn round(wan: &Wan, rate: u32, time: Duration) -> (Each<f64>, f64) {
    let folder = tempfile::tempdir().unwrap();
    let start = |contender: Contender| {
        let folder = folder.path().to_owned();
        wan.inside(move || {
            let command = (contender.command)(rate, contender.host, false, &folder);
            Program::start(contender.name, command)
        })
    };
    let (mut programs, mut bare) = (CONTENDERS.map(start), start(BARE));
    sleep(WARM_UP);
    let (began, before) = (Instant::now(), (programs.each_ref().map(used), used(&bare)));
    sleep(time);
    let hours = began.elapsed().as_secs_f64() / 3600.0;
    let after = (programs.each_ref().map(used), used(&bare));
    for program in programs.iter_mut().chain([&mut bare]) {
        assert!(program.runs(), "{program:?} has ended");
    }
    let rate =
        |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() / hours;
    let each = std::array::from_fn(|n| rate(before.0[n], after.0[n]));
    (each, rate(before.1, after.1))
}

/// Time on a processor, of all threads, also of those that have ended.
fn used(program: &Program) -> Duration {
    let process = Pid::from_raw(program.id().try_into().unwrap());
    ClockId::pid_cpu_clock_id(process).and_then(ClockId::now).unwrap().into()
}
