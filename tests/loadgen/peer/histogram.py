"""Reads the encoded histograms of a load's summary with the HdrHistogram library of PyPI, and prints what it finds."""

import json
import math
import sys

from hdrh.histogram import HdrHistogram

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


def quantile(buckets, n, share):
    """The nearest rank: the lowest value that at least this share of all lies at or below."""
    rank, seen = math.ceil(share * n - 1e-9), 0
    for value, count in buckets:
        seen += count
        if seen >= rank:
            return value
    return None


def read(encoded):
    histogram = HdrHistogram.decode(encoded)
    buckets = [[item.value_iterated_to, item.count_at_value_iterated_to] for item in histogram.get_recorded_iterator()]
    n = histogram.get_total_count()
    return {"n": n, "buckets": buckets, **{name: quantile(buckets, n, share) for name, share in QUANTILES.items()}}


with open(sys.argv[1], encoding="utf-8") as file:
    summary = json.load(file)
print(json.dumps({name: read(summary[name]) for name in ("response_hdr", "corrected_hdr")}))
