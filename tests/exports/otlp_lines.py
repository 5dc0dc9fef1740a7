"""Parses an OTLP export with OpenTelemetry's own protobuf definitions and compares it with the tables of its store.

OTLP writes ids as hexadecimal where Protobuf's JSON has base64 ("JSON Protobuf Encoding"); everything else is Protobuf's.

Usage: otlp_lines.py TABLES EXPORT
"""

import base64
import json

from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData
from store import arguments, close, micros


def based(identifier, size):
    raw = bytes.fromhex(identifier)
    assert len(raw) == size and any(raw) and identifier == identifier.lower()
    return base64.b64encode(raw).decode()


def main():
    store, file = arguments()
    spans, invocations = {}, {}
    lines = file.read_text().splitlines()
    for line in lines:
        document = json.loads(line)
        for resource in document["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    assert isinstance(span["startTimeUnixNano"], str) and isinstance(span["kind"], int)
                    span["traceId"] = based(span["traceId"], 16)
                    span["spanId"] = based(span["spanId"], 8)
                    if "parentSpanId" in span:
                        span["parentSpanId"] = based(span["parentSpanId"], 8)
        data = json_format.ParseDict(document, TracesData())  # refuses unknown fields
        traces = set()
        for resource in data.resource_spans:
            service = {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"]
            for span in resource.scope_spans[0].spans:
                traces.add(span.trace_id)
                assert span.span_id not in spans
                attributes = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}
                spans[span.span_id] = (span, service, attributes)
                if "faas.invocation_id" in attributes:
                    invocations[attributes["faas.invocation_id"]] = (span, service, attributes)
        assert len(traces) == 1, "a line is a trace"
    assert set(invocations) == set(store.by_id)
    assert len(spans) == len(store.invocations) + len(store.sync) + len(store.db_calls)
    for key, row in store.by_id.items():
        span, service, attributes = invocations[key]
        assert service == row["function"]
        assert span.kind == (Span.SPAN_KIND_CONSUMER if row["trigger"] == "msg" else Span.SPAN_KIND_SERVER)
        assert span.start_time_unix_nano == micros(row["start"]) * 1000
        if row["duration_ms"] is not None:
            close((span.end_time_unix_nano - span.start_time_unix_nano) / 1e6, row["duration_ms"], 2e-6, key)
        above = spans.get(span.parent_span_id)
        while above is not None and "faas.invocation_id" not in above[2]:
            above = spans.get(above[0].parent_span_id)
        known = row["parent_id"] if row["parent_id"] in store.by_id else None
        assert (above and above[2]["faas.invocation_id"]) == known, key
    print(f"lines {len(lines)}, spans {len(spans)}")


main()
