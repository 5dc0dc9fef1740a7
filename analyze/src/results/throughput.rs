//! Throughput of a run: successful requests over the time from the first start to the last end.

use faaslens_schemas::tables::Throughput;

use super::Run;

/// One row for a run with requests, none for one without. Transactions are left out, for they repeat their requests.
/// The span takes failed requests in; a span of 0 has no throughput.
pub(super) fn rows(run: &Run<'_>) -> Vec<Throughput> {
    let requests = run.input.requests;
    let extent = requests.extent();
    if extent.n == 0 {
        return Vec::new();
    }
    let span = extent.last_end.zip(extent.first_start).map(|(end, start)| end.ms_since(start) / 1000.0);
    let label = |name| requests.label(name).map(Into::into);
    vec![Throughput {
        test: requests.test().map(Into::into),
        parameter: label("parameter"),
        nodes: requests.nodes(),
        hardware: label("hardware"),
        network: label("network"),
        threads: requests.threads(),
        n: extent.n,
        errors: extent.errors,
        span_s: span,
        ok_per_s: span.filter(|span| *span > 0.0).map(|span| (extent.n - extent.errors) as f64 / span),
    }]
}
