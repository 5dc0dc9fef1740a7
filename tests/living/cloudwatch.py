"""A second implementation of CloudWatch Logs for the tests: moto's server, filled from log files.

    cloudwatch.py REGION PREFIX LOG...      (LOG: lines of aws.log, uncompressed)

Puts the events of each LOG into log groups (one a function, named PREFIX + function) and streams (one an executor), prints
one line of JSON with the endpoint and what was put, and serves until its standard input ends.

A stream begins with each INIT_START; its function is that of its first instrumentation record. Where it falls short of
the real service is written in docs/sources/aws.md.
"""

import json
import os
import re
import sys

os.environ["AWS_ACCESS_KEY_ID"] = "testing"
os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

FUNCTION = re.compile(r'"name":"([a-zA-Z0-9_-]+)"\},"event"')


def streams(path):
    """The events of each executor, in the order of the file."""
    current = []
    with open(path, encoding="utf-8") as log:
        for line in log:
            event = json.loads(line)
            if event["message"].startswith("INIT_START") and current:
                yield current
                current = []
            current.append({"timestamp": event["timestamp"], "message": event["message"]})
    if current:
        yield current


def function_of(events):
    for event in events:
        found = FUNCTION.search(event["message"])
        if found:
            return found.group(1)
    return "unknown"


def batches(events):
    """At most 10,000 events and 1 MB a batch, as the API wants."""
    batch, size = [], 0
    for event in events:
        length = len(event["message"].encode()) + 26
        if batch and (len(batch) == 10_000 or size + length > 1_000_000):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


def main():
    region, prefix, *paths = sys.argv[1:]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    logs = boto3.client("logs", region_name=region, endpoint_url=url)
    groups, count = set(), 0
    executors = [events for path in paths for events in streams(path)]
    for number, events in enumerate(executors):
        group = prefix + function_of(events)
        if group not in groups:
            logs.create_log_group(logGroupName=group)
            groups.add(group)
        stream = f"2026/11/22/[$LATEST]{number:06}"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events.sort(key=lambda event: event["timestamp"])
        for batch in batches(events):
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
            count += len(batch)
    print(json.dumps({"url": url, "groups": len(groups), "streams": len(executors), "events": count}), flush=True)
    sys.stdin.read()
    server.stop()


main()
