//! Random choices that can be made again: the seed is printed, and `SEED=n` repeats it.

/// `SplitMix64` (Steele, Lea, Flood 2014): enough to choose moments.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of the seed in the environment, or of a new one; either way it is printed.
    #[must_use]
    pub fn new(test: &str) -> Self {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed
            .unwrap_or_else(|| u64::from(std::process::id()) ^ crate::wait::now().cast_unsigned());
        println!("{test}: SEED={seed}");
        Self(seed)
    }

    /// Dice that fall the same way every time.
    #[must_use]
    pub fn loaded(seed: u64) -> Self {
        Self(seed)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        // 53 bits: all that an f64 tells apart.
        (self.between(0, (1 << 53) - 1) as f64) < probability * (1u64 << 53) as f64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (mixed ^ (mixed >> 31)) % (high - low + 1)
    }

    /// Puts a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = usize::try_from(self.between(0, last as u64)).unwrap_or(0);
            list.swap(last, other);
        }
    }
}
