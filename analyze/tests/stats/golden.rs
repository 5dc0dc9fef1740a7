//! The expected numbers that `scripts/stats-golden.py` computed with SciPy and numpy.

use faaslens_analyze::stats::Sample;
use serde_json::Value;

/// The cases of a file in `tests/golden`.
#[expect(clippy::disallowed_methods, reason = "a test reads its expected numbers")]
pub(crate) fn cases(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a golden file");
    match serde_json::from_str(&text).expect("JSON") {
        Value::Array(cases) => cases,
        other => vec![other],
    }
}

/// The numbers of a field.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|value| value.as_f64().expect("a number")).collect()
}

/// The sample of a field.
pub(crate) fn sample(value: &Value) -> Sample {
    Sample::new(numbers(value)).expect("finite values")
}

/// Equal to 1e-9 of the expected value, or both unknown.
#[track_caller]
pub(crate) fn assert_near(found: impl Into<Option<f64>>, expected: &Value, what: &str) {
    let (found, expected) = (found.into(), expected.as_f64());
    let near = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs() + 1e-14,
        (found, expected) => found.is_none() && expected.is_none(),
    };
    assert!(near, "{what}: found {found:?}, expected {expected:?}");
}
