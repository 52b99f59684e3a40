//! The way of a program over a thin line: part after part, resumed where it broke off, never more
//! than half of the line's time.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use wire::update::{Manifest, PART_BYTES};

use super::place::Place;
use crate::platform;
use crate::uplink::{Fetcher, Part};

/// The first part: seconds on a line of 64 kbit/s.
const FIRST: u64 = 32 * 1024;

/// What a part should take: long enough that asking costs little, short enough that a push never
/// waits long behind it.
const AIM: Duration = Duration::from_secs(2);

/// Why a program is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may come another time.
    Later(String),
    /// It never will.
    Refused(String),
}

/// How much is asked for at once.
#[derive(Debug, Clone, Copy)]
struct Pace(u64);

impl Pace {
    /// After a part that took so long.
    fn after(self, took: Duration) -> Self {
        let next = if took < AIM / 2 {
            self.0 * 2
        } else if took > AIM * 2 {
            self.0 / 2
        } else {
            self.0
        };
        Self(next.clamp(FIRST / 4, PART_BYTES))
    }
}

/// Fetches what is missing of a program, as long as `goes_on` allows it.
pub(super) async fn program(
    fetcher: &Fetcher,
    place: &Place,
    (id, manifest): (&str, &Manifest),
    goes_on: impl Fn() -> bool,
) -> Result<(), Trouble> {
    let part = place.part(id);
    let mut have = part.metadata().map_or(0, |found| found.len());
    let mut pace = Pace(FIRST);
    while have < manifest.size {
        if !goes_on() {
            return Err(Trouble::Later("a meeting is near, or the offer has changed".to_owned()));
        }
        let began = Instant::now();
        let upto = manifest.size.min(have + pace.0);
        let bytes = match fetcher.part(id, have..upto).await {
            Ok(Part::Bytes(bytes)) if !bytes.is_empty() => bytes,
            Ok(Part::Bytes(_) | Part::Beyond) => {
                let size = manifest.size;
                let told = format!("the collector has {have} bytes of it where {size} were signed");
                // The next offer begins anew.
                let _ = std::fs::remove_file(&part);
                return Err(Trouble::Refused(told));
            }
            Err(told) => return Err(Trouble::Later(told)),
        };
        let took = began.elapsed();
        have = append(part.clone(), have, bytes).await.map_err(|error| {
            // A full disk must not stay full because of this.
            let _ = std::fs::remove_file(&part);
            Trouble::Later(format!("it could not be written: {error}"))
        })?;
        pace = pace.after(took);
        sleep(took).await;
    }
    Ok(())
}

/// Writes what came behind what is there, and tells how much that is now.
async fn append(path: PathBuf, at: u64, bytes: Vec<u8>) -> io::Result<u64> {
    // An old disk may take its time, and probes must not wait for it.
    let written = tokio::task::spawn_blocking(move || {
        let mut file = platform::private_file(&path)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&bytes)?;
        Ok(at + bytes.len() as u64)
    });
    written.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_on_a_good_line_and_shrink_on_a_bad_one() {
        let after = |pace: u64, millis: u64| Pace(pace).after(Duration::from_millis(millis)).0;
        assert_eq!(after(FIRST, 100), 2 * FIRST);
        assert_eq!(after(FIRST, 2_000), FIRST);
        assert_eq!(after(FIRST, 5_000), FIRST / 2);
        assert_eq!(after(PART_BYTES, 1), PART_BYTES);
        assert_eq!(after(FIRST / 4, 60_000), FIRST / 4);
    }
}
