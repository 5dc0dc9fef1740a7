"""Writes the expected numbers of the whole-program tests into tests/data/golden.

    python3 scripts/golden/expected.py

Needs Python 3.11 and the `zstd` program. Durations are ms, rounded to whole nanoseconds.
"""

import csv
import io
import json
import subprocess
from pathlib import Path

import call_trees
from befaas_logs import records

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/data/golden"
RUNS = {
    "webservice-1": ROOT / "examples/befaas-webservice",
    "webservice-2": ROOT / "tests/data/runs/webservice-2",
    "smartFactory": ROOT / "tests/data/runs/smartFactory",
    "iot": ROOT / "tests/data/runs/iot",
    "streaming": ROOT / "tests/data/runs/streaming",
}


def write(name, header, rows):
    """Writes rows as CSV, zstd-compressed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{v:.6f}" if isinstance(v, float) else v for v in row] for row in rows)
    path = GOLDEN / f"{name}.csv.zst"
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["zstd", "-q", "-19", "-f", "-o", str(path)], input=text.getvalue().encode(), check=True)


def route_of(root):
    """Entry route in faaslens's spelling: `GET /cart`, or the function's name."""
    method, _, route = root.op.partition(":")
    return f"{'DELETE' if method == 'del' else method.upper()} {route}" if route else root.function


def traces(run):
    """One row a context whose invocations are all complete and hang on one root."""
    for context, invocations in sorted(run.invocations.items()):
        heads = call_trees.roots(invocations)
        if not call_trees.is_complete(invocations) or len(heads) != 1:
            continue
        root = heads[0]
        client = run.client.get((context, root.pair), {})
        elapsed = client["after"] - client["before"] if {"before", "after"} <= client.keys() else ""
        providers = "+".join(sorted({i.provider for i in invocations}))
        yield [context, root.function, route_of(root), len(invocations), providers, elapsed, root.duration,
               *call_trees.wall(root), *call_trees.published(invocations)]


def calls(run):
    """One row a call between functions whose two sides are known."""
    for context, invocations in sorted(run.invocations.items()):
        for invocation in invocations:
            for operation in invocation.operations:
                callee = invocation.callees.get(operation.callee_pair)
                if callee and operation.end is not None and callee.end is not None:
                    elapsed = operation.end - operation.start
                    yield [context, operation.callee_pair, invocation.function, callee.function, invocation.provider,
                           callee.provider, elapsed, callee.duration, elapsed - callee.duration]


def triggers(run):
    """One row an event: from the start of the publisher to the start of the triggered function, in full."""
    for context, invocations in sorted(run.invocations.items()):
        for triggered in invocations:
            publisher = triggered.triggered_by
            if publisher:
                delay = run.origins[triggered.executor] - run.origins[publisher.executor] + triggered.start - publisher.start
                logged = triggered.start_logged - publisher.start_logged
                yield [context, triggered.pair, publisher.function, publisher.provider, triggered.function, publisher.duration, delay, float(logged)]


def losses(run):
    """Counts of what is missing, by reason."""
    everything = [i for invocations in run.invocations.values() for i in invocations]
    calls_made = [(i, o) for i in everything for o in i.operations if o.is_call]
    return {
        "invocations": len(everything),
        "unended": sum(i.end is None for i in everything),
        "calls_made": len(calls_made),
        "callees_found": sum(o.callee_pair in i.callees for i, o in calls_made),
    }


def main():
    counts = {}
    for name, folder in RUNS.items():
        run = call_trees.read(records(folder))
        counts[name] = {
            "records": run.records,
            "contexts": len(run.contexts),
            "executor_ids": len(run.executors),
            "function_executors": len(run.function_executors),
            "cold_start_lines": run.cold_start_lines,
            "by_provider": dict(sorted(run.by_file.items())),
            "client_requests": len(run.client),
            "db_operations": sum(not o.is_call for v in run.invocations.values() for i in v for o in i.operations),
            **losses(run),
        }
        rows = list(traces(run))
        counts[name]["complete_traces"] = len(rows)
        write(f"{name}.traces", ["context", "entry_function", "entry_route", "invocations", "providers", "client_ms", "root_ms", "compute_ms",
              "network_and_cold_ms", "db_ms", "befaas_compute_ms", "befaas_network_ms", "befaas_db_ms"], rows)
        write(f"{name}.calls", ["context", "pair", "caller", "callee", "caller_provider", "callee_provider", "duration_ms",
              "callee_duration_ms", "network_ms"], calls(run))
        if events := list(triggers(run)):
            write(f"{name}.triggers", ["context", "pair", "publisher", "provider", "function", "publisher_ms", "delay_ms", "delay_logged_ms"], events)
        counts[name]["events"] = len(events)
    (GOLDEN / "counts.json").write_text(json.dumps(counts, indent=1) + "\n")
    print(json.dumps(counts, indent=1))


if __name__ == "__main__":
    main()
