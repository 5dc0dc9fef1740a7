//! Request rates, and waiting after failures.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Spaces requests: a token bucket that holds one token, and makes the next one when it was taken, so that no second ever sees more
/// than its share, however late a thread wakes up.
#[derive(Debug)]
pub struct Bucket {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Bucket {
    /// A bucket that lets `per_second` requests through; 0 and less, or no number, lets all through.
    pub fn new(per_second: f64) -> Self {
        let interval = if per_second > 0.0 { Duration::from_secs_f64(1.0 / per_second) } else { Duration::ZERO };
        Self { interval, next: Mutex::new(None) }
    }

    /// Takes the token, or tells how long to wait before asking again.
    pub fn take(&self) -> Option<Duration> {
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match *next {
            Some(at) if at > now => Some(at - now),
            _ => {
                *next = Some(now + self.interval);
                None
            }
        }
    }
}

/// How failures that may pass are waited out.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Wait before the first repetition; doubled each time, with jitter.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
    /// Longest time without a success before a call is given up.
    pub total: Duration,
}

impl Default for Patience {
    /// 200 ms, doubled up to 20 s, for five minutes.
    fn default() -> Self {
        Self { first: Duration::from_millis(200), longest: Duration::from_secs(20), total: Duration::from_mins(5) }
    }
}

impl Patience {
    /// How long to wait after the `failures`-th failure in a row (from 1): half of the doubled time and a random half.
    pub fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.longest);
        doubled.mul_f64(0.5 + 0.5 * fraction())
    }
}

/// A random number in [0, 1): it decides over waiting only, never over results, and so has no seed.
fn fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_spaced_by_the_rate_and_never_saved_up() {
        let bucket = Bucket::new(50.0);
        let interval = Duration::from_millis(20);
        let began = Instant::now();
        for n in 0..4 {
            while let Some(wait) = bucket.take() {
                assert!(wait <= interval, "{wait:?}");
                std::thread::sleep(wait);
            }
            assert!(began.elapsed() >= interval * n, "{n}: {:?}", began.elapsed());
        }
        std::thread::sleep(interval * 3);
        assert_eq!(bucket.take(), None);
        assert!(bucket.take().is_some());
        let free = Bucket::new(0.0);
        assert!((0..1000).all(|_| free.take().is_none()));
    }

    #[test]
    fn waits_double_up_to_the_longest_with_jitter_in_the_upper_half() {
        let patience = Patience::default();
        for (failures, full_ms) in [(1, 200), (2, 400), (5, 3200), (8, 20_000), (60, 20_000)] {
            let wait = patience.wait(failures);
            let full = Duration::from_millis(full_ms);
            assert!(wait <= full && wait >= full / 2, "{failures}: {wait:?}");
        }
    }
}
