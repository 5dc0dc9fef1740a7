"""Compares folded stacks with sums made here from the tables of the store.

Usage: folded_stacks.py TABLES EXPORT critical|all
"""

import sys
from collections import defaultdict

from store import arguments, close


def along_critical_paths(store):
    """Time by path and category of the segments within the roots; the caller's path stands in for a missing callee's."""
    times = defaultdict(float)
    lost = {}
    for call in store.calls:
        if call["callee_id"] is None and call["caller_id"] is not None:
            lost.setdefault((call["context_id"], call["callee_function"]), call["caller_id"])
    for segment in store.critical_path:
        if segment["scope"] != "root":
            continue
        path = store.path(segment["invocation_id"])
        if not path:
            caller = lost.get((segment["context_id"], segment["function"]))
            path = store.path(caller) + (segment["function"],)
        times[path + (segment["category"],)] += segment["duration_ms"]
    total = sum(trace["root_ms"] for trace in store.traces if trace["root_ms"] is not None)
    return times, total


def over_all_invocations(store):
    times = defaultdict(float)
    for row in store.invocations:
        for category in ("compute", "db"):
            times[store.path(row["invocation_id"]) + (category,)] += row[f"{category}_ms"] or 0.0
    for call in store.calls:
        if call["caller_provider"] == "client":
            continue
        path = store.path(call["callee_id"]) or store.path(call["caller_id"]) + (call["callee_function"],)
        for category, column in (("network", "network_ms"), ("trigger", "trigger_delay_ms")):
            times[path + (category,)] += max(call[column] or 0.0, 0.0)
    return times, sum(times.values())


def main():
    store, file = arguments()
    found = {}
    for line in file.read_text().splitlines():
        stack, count = line.rsplit(" ", 1)
        path = tuple(stack.split(";"))
        assert path not in found and int(count) > 0
        found[path] = int(count) / 1000
    wanted, total = along_critical_paths(store) if sys.argv[3] == "critical" else over_all_invocations(store)
    wanted = {path: ms for path, ms in wanted.items() if ms >= 0.0005 + 1e-9 or path in found}
    assert set(found) == set(wanted), set(found) ^ set(wanted)
    for path, ms in wanted.items():
        close(found[path], ms, 0.0006, path)
    # Each stack is rounded to a microsecond, and what rounds to nothing is left out.
    close(sum(found.values()), total, 0.0005 * (len(found) + 20), "the sum of all stacks")
    print(f"stacks {len(found)}, {sum(found.values()):.3f} ms of {total:.3f} ms")


main()
