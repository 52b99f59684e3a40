//! How fast passwords may be tried. Pure.
//!
//! A stranger is slowed down three times over: for a user from an address, for an address, and for
//! a user from all addresses together. The last could be used to keep a user out, so it does not
//! hold for a browser in which that user has signed in before: such a browser has a measure of its
//! own, which no stranger can use up. Nobody is ever locked out; everything comes back with time.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::bucket::{Bucket, Measure};

/// A user at one address: some slips, then 720 a day. One address thus cannot use up what
/// [`OF_USER`] gives in the same time.
const OF_PAIR: Measure = Measure { burst: 5.0, rate: 1.0 / 120.0 };

/// An address: an operations room behind one address whose people all come back after a weekend.
const OF_ADDRESS: Measure = Measure { burst: 20.0, rate: 1.0 / 10.0 };

/// A user from anywhere: 1,440 guesses a day are none against twelve characters.
const OF_USER: Measure = Measure { burst: 100.0, rate: 1.0 / 60.0 };

/// A browser that its user is known in.
const OF_BROWSER: Measure = Measure { burst: 10.0, rate: 1.0 / 10.0 };

/// Measures that are held in memory, some 100 bytes each. A stranger with more addresses than this
/// makes the collector forget the oldest, and still has to pass [`OF_USER`].
const HELD: usize = 10_000;

/// Whose failures are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Pair(String, IpAddr),
    Address(IpAddr),
    User(String),
    Browser(String),
}

impl Key {
    fn measure(&self) -> Measure {
        match self {
            Self::Pair(..) => OF_PAIR,
            Self::Address(_) => OF_ADDRESS,
            Self::User(_) => OF_USER,
            Self::Browser(_) => OF_BROWSER,
        }
    }
}

/// What an attempt is counted under: a browser in which this user has signed in before (by the
/// hash of its cookie) only under its own.
pub(super) fn keys(user: &str, address: IpAddr, browser: Option<&str>) -> Vec<Key> {
    let address = network(address);
    match browser {
        Some(browser) => vec![Key::Browser(browser.to_owned())],
        None => vec![
            Key::Pair(user.to_owned(), address),
            Key::Address(address),
            Key::User(user.to_owned()),
        ],
    }
}

/// One subscriber of IPv6 has at least 2^64 addresses (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        four @ IpAddr::V4(_) => four,
    }
}

/// The attempts of late.
#[derive(Debug, Default)]
pub(super) struct Throttle(HashMap<Key, (Bucket, Instant)>);

impl Throttle {
    /// One attempt under all of these keys; else how long to wait until there may be one. A refused
    /// attempt counts under none.
    pub(super) fn take(&mut self, keys: &[Key], now: Instant) -> Result<(), Duration> {
        self.make_room(keys.len(), now);
        for key in keys {
            let fresh = || (Bucket::full(key.measure(), now), now);
            self.0.entry(key.clone()).or_insert_with(fresh).1 = now;
        }
        let mut wait = Duration::ZERO;
        self.each(keys, |bucket| wait = wait.max(bucket.wait(now)));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.each(keys, |bucket| {
            // None has to wait, as was seen just now.
            let _ = bucket.take(now);
        });
        Ok(())
    }

    /// The attempt was a good one, or came to nothing: it does not count.
    pub(super) fn give_back(&mut self, keys: &[Key]) {
        self.each(keys, Bucket::give_back);
    }

    fn each(&mut self, keys: &[Key], mut job: impl FnMut(&mut Bucket)) {
        for key in keys {
            if let Some((bucket, _)) = self.0.get_mut(key) {
                job(bucket);
            }
        }
    }

    fn make_room(&mut self, wanted: usize, now: Instant) {
        if self.0.len() + wanted <= HELD {
            return;
        }
        self.0.retain(|_, (bucket, _)| !bucket.is_full(now));
        // What a user's password is protected by stays, unless it is names nobody has that flood.
        for keep_users in [true, false] {
            if self.0.len() + wanted <= HELD {
                return;
            }
            let mut ages: Vec<Instant> = self.0.values().map(|(_, at)| *at).collect();
            let half = ages.len() / 2;
            let middle = *ages.select_nth_unstable(half).1;
            let stays = |key: &Key| keep_users && matches!(key, Key::User(_));
            self.0.retain(|key, (_, at)| stays(key) || *at > middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    /// Failed attempts that get through one after the other, until one has to wait.
    fn through(throttle: &mut Throttle, keys: &[Key], now: Instant) -> usize {
        std::iter::repeat_with(|| throttle.take(keys, now)).take_while(Result::is_ok).count()
    }

    #[test]
    fn each_stranger_has_a_few_attempts_and_then_a_trickle() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        let lan = keys("lan", address(1), None);
        assert_eq!(through(&mut throttle, &lan, start), 5);
        assert_eq!(through(&mut throttle, &lan, start + Duration::from_secs(119)), 0);
        assert_eq!(through(&mut throttle, &lan, start + Duration::from_secs(121)), 1);
        // Other names at the same address.
        let others: usize = (0..9)
            .map(|n| through(&mut throttle, &keys(&format!("u{n}"), address(2), None), start))
            .sum();
        assert_eq!(others, 20);
        // The same name from other addresses.
        let (mut throttle, mut sum) = (Throttle::default(), 0);
        for n in 0..255 {
            sum += through(&mut throttle, &keys("lan", address(n), None), start);
        }
        assert_eq!(sum, 100);
        let a_day = Duration::from_hours(24);
        for hour in 0..24 {
            for n in 0..255 {
                let now = start + Duration::from_hours(hour);
                sum += through(&mut throttle, &keys("lan", address(n), None), now);
            }
        }
        assert!(sum <= 100 + 1440, "{sum} guesses in {a_day:?} from all addresses of a network");
    }

    #[test]
    fn nobody_keeps_a_user_out_of_a_browser_that_is_known() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        for n in 0..255 {
            through(&mut throttle, &keys("lan", address(n), None), start);
        }
        assert!(throttle.take(&keys("lan", address(99), None), start).is_err());
        let known = keys("lan", address(1), Some("her cookie"));
        assert!(throttle.take(&known, start).is_ok(), "though everything else is used up");
        assert_eq!(through(&mut throttle, &known, start), 9, "and her own slips have a measure");
        // And from anywhere once the stranger rests for a minute.
        let later = start + Duration::from_secs(121);
        assert!(throttle.take(&keys("lan", address(100), None), later).is_ok());
    }

    #[test]
    fn who_knows_the_password_is_never_slowed_down() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        let lan = keys("lan", address(1), None);
        for _ in 0..1000 {
            throttle.take(&lan, start).unwrap();
            throttle.give_back(&lan);
        }
        assert_eq!(through(&mut throttle, &lan, start), 5, "no more is saved up than at first");
    }

    #[test]
    fn an_address_is_what_one_subscriber_has() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }

    #[test]
    fn however_many_come_only_so_many_are_remembered_and_users_longest() {
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        for n in 0..u32::try_from(HELD).unwrap() * 2 {
            let stranger = IpAddr::from(n.to_be_bytes());
            let _ = throttle.take(&keys("lan", stranger, None), start);
        }
        assert!(throttle.0.len() <= HELD, "{}", throttle.0.len());
        assert!(throttle.take(&keys("lan", address(1), None), start).is_err());
        // When all have had their time, nothing is left of them.
        throttle.make_room(HELD, start + Duration::from_hours(3));
        assert!(throttle.0.is_empty());
    }
}
