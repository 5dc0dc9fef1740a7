"""Writes the expected statistics of the JMeter result files into tests/data/jmeter, with `csv` and `statistics` only.

    python3 scripts/golden/jmeter.py

Quantiles are linear interpolations (type 7 of Hyndman and Fan: `method="inclusive"`). The result files are in
results.bundle.zst, one after another, each after a line `#file <campaign>/<name> <bytes>`.
"""

import csv
import io
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path

from befaas_logs import text_of

FOLDER = Path(__file__).resolve().parents[2] / "tests/data/jmeter"
NUMBERS = ["n", "errors", "median", "q1", "q3", "p95", "min", "max", "mean"]


def files(bundle):
    """(name, text) of every file of the bundle."""
    at = 0
    while at < len(bundle):
        end = bundle.index(b"\n", at)
        _, name, length = bundle[at:end].decode().split(" ")
        at = end + 1 + int(length)
        yield name.split("/")[1], bundle[end + 1 : at].decode()


def labels(name):
    """test, parameter, nodes, hardware, network and campaign of a file name, split from the right."""
    rest, campaign = name.removesuffix(".csv").rsplit("_", 1)
    rest, place = rest.rsplit("_", 1)
    test, parameter = rest.rsplit("_", 1)
    machine, size, network = place.split(".")
    return test, parameter, machine.rstrip("pvm"), f"{machine.lstrip('0123456789')}.{size}", network, campaign


def numbers(values):
    """Median, quartiles, 95th percentile, extremes and mean of elapsed times."""
    if not values:
        return [""] * 7
    if len(values) == 1:
        return [float(values[0])] * 7
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    p95 = statistics.quantiles(values, n=20, method="inclusive")[18]
    return [statistics.median(values), quartiles[0], quartiles[2], p95, min(values), max(values), statistics.fmean(values)]


def write(name, header, rows):
    """Writes rows as CSV, zstd-compressed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{v:.9f}" if isinstance(v, float) else v for v in row] for row in rows)
    command = ["zstd", "-q", "-19", "-f", "-o", str(FOLDER / f"{name}.csv.zst")]
    subprocess.run(command, input=text.getvalue().encode(), check=True)


def main():
    per_file, pooled = [], defaultdict(list)
    for name, text in files(text_of(FOLDER / "results.bundle.zst")):
        by_label = defaultdict(list)
        for row in csv.DictReader(io.StringIO(text)):
            by_label[row["label"]].append((int(row["timeStamp"]), int(row["elapsed"]), row["success"] == "true"))
        for label, rows in sorted(by_label.items()):
            pooled[(*labels(name)[:5], label)].append(rows)
            ok = [elapsed for _, elapsed, success in rows if success]
            span = (max(start + elapsed for start, elapsed, _ in rows) - min(start for start, _, _ in rows)) / 1000
            everything = [elapsed for _, elapsed, _ in rows]
            per_file.append([name, *labels(name), label, len(rows), len(rows) - len(ok), span, len(ok) / span if span else "",
                             *numbers(ok), *numbers(everything)])
    statistics_of = [f"{n}_ok" for n in NUMBERS[2:]] + [f"{n}_all" for n in NUMBERS[2:]]
    keys = ["test", "parameter", "nodes", "hardware", "network"]
    write("per_file", ["file", *keys, "campaign", "label", "n", "errors", "span_s", "ok_per_s", *statistics_of], per_file)
    rows_of_pooled = []
    for key, runs in sorted(pooled.items()):
        rows = [row for run in runs for row in run]
        ok = [elapsed for _, elapsed, success in rows if success]
        medians = [statistics.median(values) for run in runs if (values := [e for _, e, success in run if success])]
        rows_of_pooled.append([*key, len(runs), len(rows), len(rows) - len(ok), *numbers(ok), *numbers([e for _, e, _ in rows]),
                               statistics.median(medians), min(medians), max(medians)])
    write("pooled", [*keys, "label", "runs", "n", "errors", *statistics_of, "median_of_medians", "least_median", "greatest_median"], rows_of_pooled)
    print(len(per_file), "rows by file,", len(rows_of_pooled), "pooled,", sum(row[8] for row in per_file), "requests,", sum(row[9] for row in per_file), "failed")


if __name__ == "__main__":
    main()
