//! Summaries of wrk2 and wrk, and the text that `HdrHistogram`s are printed as (`.hgrm`): latencies by percentile, no requests.
//!
//! The whole summary becomes one row of `platform_records` of kind `period`, with its figures as JSON: counters (requests, bytes read,
//! errors), rates, and the summary `latency_ms` (mean, standard deviation, greatest, count, percentiles). A spectrum is preferred to
//! the short list of percentiles. The values of a bare `HdrHistogram` have the unit that the user names; wrk2's are milliseconds.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::PlatformRecord;
use faaslens_schemas::time::Timestamp;
use serde_json::{Map, Value};

use super::artillery_report::PeriodSink;
use super::jtl::Unfit;

/// Longest summary that is read, in bytes.
pub const TEXT_LIMIT: usize = 4 << 20;
/// Percentiles that are kept of a spectrum, as they are named.
const KEPT: [(f64, &str); 8] = [
    (0.5, "p50"),
    (0.75, "p75"),
    (0.9, "p90"),
    (0.95, "p95"),
    (0.99, "p99"),
    (0.999, "p999"),
    (0.9999, "p9999"),
    (1.0, "max"),
];

/// What a summary says.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Summary {
    /// Requests, bytes, errors.
    pub counters: BTreeMap<&'static str, f64>,
    /// Requests and bytes a second.
    pub rates: BTreeMap<&'static str, f64>,
    /// Mean, standard deviation, percentiles, in milliseconds; `count` is a number.
    pub latency_ms: BTreeMap<String, f64>,
}

/// Reads a summary. `unit_ms` is the length of a bare histogram's unit; `None` where the user named none.
///
/// # Errors
/// [`Unfit`] when it has no latency, or a bare histogram's unit is not known.
pub fn parse(text: &str, unit_ms: Option<f64>) -> Result<Summary, Unfit> {
    let of_wrk = text.contains("requests in ") || text.contains("Running ");
    let unit_ms = if of_wrk { Some(1.0) } else { unit_ms };
    let mut summary = Summary::default();
    let mut spectrum: Vec<(f64, f64)> = Vec::new();
    let lines = corrected(text);
    for line in &lines {
        match spectrum_point(line) {
            Some(point) => spectrum.push(point),
            None => summary.line(line),
        }
    }
    let bare = spectrum.is_empty() && summary.latency_ms.is_empty();
    if bare || (!spectrum.is_empty() && unit_ms.is_none()) {
        let found = if bare { "no latency" } else { "a bare histogram: name its unit with --unit" };
        let expected = "the output of wrk2 or wrk, or a printed HdrHistogram".to_owned();
        return Err(Unfit { expected, found: found.to_owned() });
    }
    if let Some(unit_ms) = unit_ms.filter(|_| !spectrum.is_empty()) {
        summary.latency_ms.retain(|name, _| name == "count" || !of_histogram(name) && !name.starts_with('p'));
        summary.histogram(&lines, unit_ms);
        for (quantile, name) in KEPT {
            let reached = spectrum.iter().find(|(_, at)| *at >= quantile).or(spectrum.last());
            if let Some((value, _)) = reached {
                summary.latency_ms.insert(name.to_owned(), value * unit_ms);
            }
        }
    }
    Ok(summary)
}

/// The lines without those of wrk2's second distribution, which leaves out how late requests were sent.
fn corrected(text: &str) -> Vec<&str> {
    let mut uncorrected = false;
    let mut kept = |line: &&str| {
        uncorrected = (uncorrected || line.contains("Uncorrected Latency")) && !line.starts_with("-----");
        !uncorrected && !line.is_empty()
    };
    text.lines().map(str::trim).filter(|line| kept(line)).collect()
}

/// Figures that stand below a histogram.
fn of_histogram(name: &str) -> bool {
    matches!(name, "mean" | "stddev" | "max")
}

/// Value and quantile of a line of a spectrum: `6.671 0.500000 19783 2.00`; the last one ends with `inf`, or with nothing.
fn spectrum_point(line: &str) -> Option<(f64, f64)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [value, quantile, count, rest @ ..] = &words[..] else { return None };
    let quantile = number(quantile).filter(|quantile| (0.0..=1.0).contains(quantile))?;
    count.parse::<u64>().ok()?;
    let ends = match rest {
        [] => true,
        [last] => *last == "inf" || number(last).is_some(),
        _ => false,
    };
    Some((number(value)?, quantile)).filter(|_| ends)
}

fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    text.parse().ok().filter(|n: &f64| plain && n.is_finite() && *n >= 0.0)
}

/// A number with a unit of time, in milliseconds: `14.60ms`, `1.02s`, `782.00us`.
fn time_ms(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let scale = match &text[at..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 6e4,
        "h" => 3.6e6,
        _ => return None,
    };
    Some(number(&text[..at])? * scale)
}

/// A number with wrk's unit of size: `165.87KB`, `1.08k`.
fn amount(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let scale = match &text[at..] {
        "" | "B" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "KB" => 1024.0,
        "MB" => 1024.0 * 1024.0,
        "GB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number(&text[..at])? * scale)
}

impl Summary {
    /// Takes the figures of a line; headings have none.
    fn line(&mut self, line: &str) {
        let _taken: Option<()> =
            self.of_percentile(line).or_else(|| self.of_threads(line)).or_else(|| self.of_end(line));
    }

    /// `50.000%    6.67ms`.
    fn of_percentile(&mut self, line: &str) -> Option<()> {
        let (percent, value) = line.split_once('%')?;
        let (percent, ms) = (number(percent.trim())?, time_ms(value.trim())?);
        let digits = percent.to_string().replace('.', "");
        let name = if percent >= 100.0 { "max".to_owned() } else { format!("p{digits}") };
        self.latency_ms.insert(name, ms);
        Some(())
    }

    /// `Latency    14.60ms    5.96ms  26.66ms   56.03%`.
    fn of_threads(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let ["Latency", mean, spread, greatest, _] = words[..] else { return None };
        for (name, text) in [("mean", mean), ("stddev", spread), ("max", greatest)] {
            self.latency_ms.insert(name.to_owned(), time_ms(text)?);
        }
        Some(())
    }

    /// `821 requests in 3.01s, 165.87KB read`, the lines after it.
    fn of_end(&mut self, line: &str) -> Option<()> {
        if let Some((count, rest)) = line.split_once(" requests in ") {
            let (length, bytes) = rest.split_once(", ")?;
            self.counters.insert("requests", number(count)?);
            self.counters.insert("duration_ms", time_ms(length)?);
            self.counters.insert("bytes_read", amount(bytes.strip_suffix(" read")?)?);
            return Some(());
        }
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name {
            "Requests/sec" => drop(self.rates.insert("requests_per_s", number(value)?)),
            "Transfer/sec" => drop(self.rates.insert("bytes_per_s", amount(value)?)),
            "Non-2xx or 3xx responses" => drop(self.counters.insert("other_statuses", number(value)?)),
            "Socket errors" => {
                let names = [
                    ("connect", "connect_errors"),
                    ("read", "read_errors"),
                    ("write", "write_errors"),
                    ("timeout", "timeouts"),
                ];
                for part in value.split(", ") {
                    let (kind, count) = part.split_once(' ')?;
                    let (_, name) = names.iter().find(|(known, _)| *known == kind)?;
                    self.counters.insert(name, number(count)?);
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// `#[Mean    =       20.424, StdDeviation   =        3.502]` and `#[Max     =       54.208, Total count    =          976]`.
    fn histogram(&mut self, lines: &[&str], unit_ms: f64) {
        for line in lines {
            let Some(inner) = line.strip_prefix("#[").and_then(|rest| rest.strip_suffix(']')) else { continue };
            for (name, value) in inner.split(',').filter_map(|pair| pair.split_once('=')) {
                let (name, scale) = match name.trim() {
                    "Mean" => ("mean", unit_ms),
                    "StdDeviation" => ("stddev", unit_ms),
                    "Total count" => ("count", 1.0),
                    _ => continue,
                };
                if let Some(value) = number(value.trim()) {
                    self.latency_ms.insert(name.to_owned(), value * scale);
                }
            }
        }
    }

    /// Gives the summary as a row of a load that began at an instant, if that is known.
    pub fn give(&self, source: &str, started_at: Option<Timestamp>, sink: &mut impl PeriodSink) -> ControlFlow<()> {
        let object = |values: &BTreeMap<&'static str, f64>| -> Value {
            values.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect::<Map<_, _>>().into()
        };
        let latency: Map<String, Value> =
            self.latency_ms.iter().map(|(name, ms)| (name.clone(), (*ms).into())).collect();
        let figures = serde_json::json!({
            "scope": "aggregate", "counters": object(&self.counters), "rates": object(&self.rates),
            "summaries": {"latency_ms": latency},
        });
        sink.period(PlatformRecord {
            provider: "client".into(),
            kind: Label::fixed("period"),
            at: started_at,
            text: Some(figures.to_string()),
            source: source.into(),
            ..PlatformRecord::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning and the end of what wrk2's README shows.
    const WRK2: &str = "Running 30s test @ http://127.0.0.1:80/index.html
  2 threads and 100 connections
  Thread calibration: mean lat.: 10087 usec, rate sampling interval: 22 msec
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     6.60ms    1.92ms  12.50ms   68.46%
    Req/Sec     1.04k     1.08k    2.50k    72.79%
  Latency Distribution (HdrHistogram - Recorded Latency)
 50.000%    6.67ms
 99.000%   11.18ms
100.000%   12.50ms

  Detailed Percentile spectrum:
       Value   Percentile   TotalCount 1/(1-Percentile)

       0.921     0.000000            1         1.00
       6.671     0.500000        19783         2.00
      11.175     0.990625        39200       106.67
      12.495     1.000000        39500          inf
#[Mean    =        6.602, StdDeviation   =        1.919]
#[Max     =       12.496, Total count    =        39500]
#[Buckets =           27, SubBuckets     =         2048]
----------------------------------------------------------
  60018 requests in 30.00s, 19.81MB read
  Socket errors: connect 0, read 3, write 0, timeout 2
Requests/sec:   2000.28
Transfer/sec:    676.18KB
";

    #[test]
    fn wrk2s_spectrum_is_preferred_to_its_short_list() {
        let summary = parse(WRK2, None).expect("a summary");
        let latency = |name: &str| summary.latency_ms.get(name).copied();
        assert_eq!((latency("mean"), latency("stddev"), latency("count")), (Some(6.602), Some(1.919), Some(39500.0)));
        assert_eq!((latency("p50"), latency("p99"), latency("max")), (Some(6.671), Some(11.175), Some(12.495)));
        let counters = BTreeMap::from([
            ("requests", 60018.0),
            ("duration_ms", 30_000.0),
            ("bytes_read", 19.81 * 1024.0 * 1024.0),
            ("connect_errors", 0.0),
            ("read_errors", 3.0),
            ("write_errors", 0.0),
            ("timeouts", 2.0),
        ]);
        assert_eq!(summary.counters, counters);
        assert_eq!(summary.rates.get("requests_per_s"), Some(&2000.28));
    }

    #[test]
    fn the_uncorrected_distribution_is_left_out() {
        let second = "  Latency Distribution (HdrHistogram - Uncorrected Latency (measured without taking delayed starts into account))\n 50.000%  1.00us\n  Detailed Percentile spectrum:\n 0.001 1.000000 5 inf\n#[Mean = 0.001, StdDeviation = 0.0]\n";
        let both = WRK2.replacen("-----", &format!("{second}-----"), 1);
        assert_eq!(parse(&both, None), parse(WRK2, None));
    }

    #[test]
    fn a_bare_histogram_needs_its_unit() {
        let bare = &WRK2[WRK2.find("       Value").expect("the spectrum")..WRK2.find("-----").expect("its end")];
        assert!(parse(bare, None).expect_err("refused").found.contains("--unit"));
        let summary = parse(bare, Some(0.001)).expect("a summary");
        assert_eq!(summary.latency_ms.get("p50"), Some(&(6.671 * 0.001)));
        assert!(summary.counters.is_empty());
    }

    #[test]
    fn the_output_of_wrk_has_a_short_list_only() {
        let text = include_str!("../../tests/data/load/wrk-4.1.0.txt");
        let summary = parse(text, None).expect("a summary");
        assert_eq!(summary.latency_ms.get("p99"), Some(&24.69));
        assert_eq!(summary.counters.get("other_statuses"), Some(&45.0));
        assert_eq!(summary.counters.get("requests"), Some(&821.0));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "hello\nworld: 5", "1 2 3 4 5"] {
            assert!(parse(text, Some(1.0)).is_err(), "{text:?}");
        }
    }
}
