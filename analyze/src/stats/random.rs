//! Own generator of random numbers: seeded, the same on every platform and for any number of threads.

/// xoshiro256++ (Blackman & Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021), its state filled by
/// SplitMix64 (Steele, Lea & Flood 2014).
#[derive(Debug, Clone)]
pub struct Generator {
    state: [u64; 4],
}

impl Generator {
    /// The generator of one stream of a seed: resample 0, 1, 2… each have their own, so that it does not matter which
    /// thread draws them.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut splitter = seed;
        let mut mixed = split_mix(&mut splitter) ^ stream;
        Self { state: std::array::from_fn(|_| split_mix(&mut mixed)) }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in 0..1, 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `bound`, each equally probable (Lemire 2019); 0 for a bound of 0.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of the product are what is wanted")]
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            let rest = product as u64;
            if rest >= bound || rest >= bound.wrapping_neg().checked_rem(bound).unwrap_or(0) {
                return (product >> 64) as usize;
            }
        }
    }

    /// Brings values into a random order, each order equally probable (Fisher & Yates 1938).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for end in (1..values.len()).rev() {
            values.swap(end, self.below(end + 1));
        }
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_equal_those_of_the_published_programs() {
        // http://prng.di.unimi.it/xoshiro256plusplus.c with the state 1, 2, 3, 4; splitmix64.c with the state 1234567
        let mut generator = Generator { state: [1, 2, 3, 4] };
        let found: Vec<u64> = (0..4).map(|_| generator.bits()).collect();
        assert_eq!(found, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn whole_numbers_below_a_bound_are_equally_frequent() {
        let mut generator = Generator::new(1, 0);
        let mut seen = [0_u32; 6];
        (0..60_000).for_each(|_| seen[generator.below(6)] += 1);
        assert!(seen.iter().all(|&n| n.abs_diff(10_000) < 500), "{seen:?}");
        assert_eq!(generator.below(0), 0);
    }

    #[test]
    fn streams_of_a_seed_differ() {
        assert_ne!(Generator::new(1, 0).bits(), Generator::new(1, 1).bits());
        assert_ne!(Generator::new(1, 0).bits(), Generator::new(2, 0).bits());
    }
}
