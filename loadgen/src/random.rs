//! Seeded random numbers: the same seed gives the same load.
//!
//! `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). Good enough to pick
//! scenarios and values; not for secrets.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

/// What identifiers are made of.
const ALPHANUMERIC: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The stream `number` of a seed: of one virtual user, of one phase.
    pub fn stream(seed: u64, number: u64) -> Self {
        let mut mixed = Self::new(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        mixed.next();
        mixed
    }

    /// The next 64 bits.
    #[expect(clippy::should_implement_trait, reason = "a stream without an end is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform over `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform over `0..n`; 0 for `n` of 0.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = u128::from(self.next()) * (n as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Uniform over `low..=high`, whichever of the two is lower.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let (low, high) = (low.min(high), low.max(high));
        let width = high.abs_diff(low);
        let step = u64::try_from((u128::from(self.next()) * (u128::from(width) + 1)) >> 64).unwrap_or(0);
        low.wrapping_add_unsigned(step)
    }

    /// An identifier as `BeFaaS`'s library makes them: 8 of `a-z 0-9`.
    pub fn identifier(&mut self) -> String {
        let mut bits = self.next();
        let mut text = String::with_capacity(8);
        for _ in 0..8 {
            text.push(char::from(ALPHANUMERIC[usize::try_from(bits % 36).unwrap_or(0)]));
            bits /= 36;
        }
        text
    }

    /// Letters and digits of a given length, as Artillery's `$randomString`.
    pub fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        (0..length).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }

    /// Lower-case hexadecimal digits.
    pub fn hexadecimal(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            text.extend([format!("{:016x}", self.next())]);
        }
        text.truncate(length);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_paper() {
        // Reference values of SplitMix64 with seed 1234567 (Vigna's C code).
        let mut random = Random::new(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut random = Random::new(1);
        for _ in 0..1000 {
            assert!((3..=5).contains(&random.between(5, 3)));
            assert!(random.below(7) < 7);
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert_eq!(random.between(i64::MIN, i64::MIN), i64::MIN);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn identifiers_are_eight_letters_or_digits() {
        let id = Random::new(9).identifier();
        assert!(id.len() == 8 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id}");
    }
}
