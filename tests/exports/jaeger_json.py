"""Checks a Jaeger export against its schema, imports it again and compares the trees with the tables of its store.

Usage: jaeger_json.py TABLES EXPORT
"""

import json
import pathlib

import jsonschema
from store import arguments, close, micros


def main():
    store, file = arguments()
    document = json.loads(file.read_text())
    schema = json.loads(pathlib.Path(__file__).with_name("jaeger.schema.json").read_text())
    jsonschema.validate(document, schema)

    spans, invocations = {}, {}
    for trace in document["data"]:
        for span in trace["spans"]:
            assert span["traceID"] == trace["traceID"] and span["spanID"] not in spans
            span["tag"] = {tag["key"]: tag["value"] for tag in span["tags"]}
            span["process"] = trace["processes"][span["processID"]]
            spans[span["spanID"]] = span
            if "faas.invocation_id" in span["tag"]:
                invocations[span["tag"]["faas.invocation_id"]] = span
    assert set(invocations) == set(store.by_id)
    assert len(spans) == len(store.invocations) + len(store.sync) + len(store.db_calls)

    def parent(span):
        for reference in span["references"]:
            assert reference["traceID"] == span["traceID"]
            return spans.get(reference["spanID"])
        return None

    for key, row in store.by_id.items():
        span = invocations[key]
        above = parent(span)
        while above is not None and "faas.invocation_id" not in above["tag"]:
            above = parent(above)
        # A parent whose own record is missing has no span.
        known = row["parent_id"] if row["parent_id"] in store.by_id else None
        assert (above and above["tag"]["faas.invocation_id"]) == known, key
        assert span["startTime"] == micros(row["start"])
        assert span["process"]["serviceName"] == row["function"]
        if row["duration_ms"] is None:
            assert span["warnings"] and span["tag"]["faaslens.unfinished"]
        else:
            close(span["duration"] / 1000, row["duration_ms"], 0.0006, key)
    print(f"traces {len(document['data'])}, spans {len(spans)}, invocations {len(invocations)}")


main()
