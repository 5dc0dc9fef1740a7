//! Counts and distributions, kept while the load runs.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use super::class::Class;
use super::record::Record;

/// Significant digits of histograms.
const DIGITS: u8 = 3;

/// Longest time that is told from longer ones: a week.
const MAX_MICROS: u64 = 7 * 86_400_000_000;

/// A distribution of times in microseconds: HDR histogram with three significant digits.
#[derive(Debug, Clone)]
pub struct Times {
    histogram: Histogram<u32>,
}

impl Default for Times {
    fn default() -> Self {
        // Three digits are allowed by the library; the fallback has one and is never reached.
        let histogram = Histogram::new(DIGITS).or_else(|_| Histogram::new(1));
        Self { histogram: histogram.unwrap_or_else(|error| unreachable!("one digit is allowed: {error}")) }
    }
}

impl Times {
    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(MAX_MICROS);
        let recorded = self.histogram.record(micros);
        debug_assert!(recorded.is_ok(), "the histogram grows up to its highest value");
    }

    /// Adds all times of another.
    pub fn merge(&mut self, other: &Self) {
        let added = self.histogram.add(&other.histogram);
        debug_assert!(added.is_ok(), "only histograms of a fixed range refuse others");
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// A quantile of 0 to 1 in milliseconds: the value that as many lie at or below; `None` where there is none.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        (!self.is_empty()).then(|| self.histogram.value_at_quantile(quantile) as f64 / 1000.0)
    }

    /// The highest in milliseconds.
    pub fn max_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.histogram.max() as f64 / 1000.0)
    }

    /// The mean in milliseconds.
    pub fn mean_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.histogram.mean() / 1000.0)
    }

    /// All of it in the encoding that all `HdrHistogram` libraries share: V2, deflated, base64.
    pub fn encoded(&self) -> String {
        let mut bytes = Vec::new();
        let written = V2DeflateSerializer::new().serialize(&self.histogram, &mut bytes);
        debug_assert!(written.is_ok(), "memory takes everything");
        BASE64_STANDARD.encode(bytes)
    }

    /// Buckets that hold something: upper end in microseconds and count, ascending.
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        self.histogram.iter_recorded().map(|v| (v.value_iterated_to(), u64::from(v.count_at_value()))).collect()
    }
}

/// What became of the requests of one place in the profile.
#[derive(Debug, Clone, Default)]
pub struct SiteTally {
    /// Requests by class.
    pub classes: BTreeMap<Class, u64>,
    /// Response times of successes.
    pub elapsed: Times,
    /// Response times of successes, corrected for coordinated omission.
    pub corrected: Times,
    /// Times to the first byte of successes.
    pub first_byte: Times,
}

/// What one worker has measured so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// By place in the profile.
    pub sites: BTreeMap<u16, SiteTally>,
    /// How late requests were by the generator's own fault.
    pub late: Times,
    /// Requests that have ended.
    pub ended: u64,
    /// Requests that have failed.
    pub failed: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
}

impl Tally {
    /// Adds a request; transactions count for their own place only.
    pub fn add(&mut self, record: &Record, transaction: bool) {
        let site = self.sites.entry(record.site).or_default();
        *site.classes.entry(record.class).or_default() += 1;
        if record.class.success() {
            site.elapsed.add(record.elapsed);
            if let Some(corrected) = record.corrected {
                site.corrected.add(corrected);
            }
            if let Some(first_byte) = record.first_byte {
                site.first_byte.add(first_byte);
            }
        }
        if transaction {
            return;
        }
        if let Some(late) = record.late {
            self.late.add(late);
        }
        self.ended += 1;
        self.failed += u64::from(!record.class.success());
        self.bytes_received += record.bytes_received;
        self.bytes_sent += record.bytes_sent;
    }

    /// Adds what another worker has measured.
    pub fn merge(&mut self, other: &Self) {
        for (site, theirs) in &other.sites {
            let ours = self.sites.entry(*site).or_default();
            for (class, count) in &theirs.classes {
                *ours.classes.entry(*class).or_default() += count;
            }
            ours.elapsed.merge(&theirs.elapsed);
            ours.corrected.merge(&theirs.corrected);
            ours.first_byte.merge(&theirs.first_byte);
        }
        self.late.merge(&other.late);
        self.ended += other.ended;
        self.failed += other.failed;
        self.bytes_received += other.bytes_received;
        self.bytes_sent += other.bytes_sent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth_from_a_microsecond_to_a_week() {
        let mut times = Times::default();
        // 1 us, 4 us, 16 us … 4^19 us (3 days), one after the other: the n-th is the quantile n / 20.
        let all: Vec<u64> = (0..20).map(|n| 1_u64 << (2 * n)).collect();
        for micros in &all {
            times.add(Duration::from_micros(*micros));
        }
        for (n, micros) in all.iter().enumerate() {
            let found = times.quantile_ms((n + 1) as f64 / 20.0).expect("a value") * 1000.0;
            let wanted = *micros as f64;
            assert!((found - wanted).abs() <= wanted / 1000.0, "{n}: {found} for {wanted}");
        }
        times.add(Duration::MAX);
        let week_ms = 7.0 * 86_400_000.0;
        assert!(times.max_ms().is_some_and(|max| (max - week_ms).abs() < week_ms / 1000.0), "{:?}", times.max_ms());
    }

    #[test]
    fn merged_distributions_hold_all_values_of_both() {
        let (mut short, mut long) = (Times::default(), Times::default());
        short.add(Duration::from_micros(10));
        long.add(Duration::from_secs(20));
        short.merge(&long);
        assert_eq!((short.len(), short.quantile_ms(0.5)), (2, Some(0.01)));
        assert!(short.max_ms().is_some_and(|max| (max - 20_000.0).abs() < 20.0));
    }
}
