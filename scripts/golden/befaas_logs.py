"""Reads the logs of a BeFaaS run with the standard library only, sharing nothing with faaslens.

`records(folder)` gives every instrumentation record as (provider, file name, payload).
"""

import json
import subprocess
from pathlib import Path

MARKER = "BEFAAS{"
DECODER = json.JSONDecoder()


def text_of(path):
    """The uncompressed bytes of a log file."""
    if path.suffix == ".zst":
        command = ["zstd", "-dcq", "--long=27", str(path)]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return path.read_bytes()


def payloads(text):
    """Every JSON value that follows a marker in a text, one after another."""
    at = text.find(MARKER)
    while at >= 0:
        value, end = DECODER.raw_decode(text, at + len(MARKER) - 1)
        yield value
        at = text.find(MARKER, end)


def messages(name, raw):
    """The texts of a log file that may hold records: one a line, a CloudWatch event or a Google entry."""
    if name == "aws":
        for line in raw.splitlines():
            if line.strip():
                yield json.loads(line)["message"]
    elif name == "google":
        for entry in json.loads(raw):
            yield entry.get("textPayload", "")
    else:
        for line in raw.decode("utf-8").split("\n"):
            yield line


def log_files(folder):
    """(name without suffixes, path) of the log files of a run folder, sorted."""
    for path in sorted(Path(folder).iterdir()):
        name = path.name.removesuffix(".zst")
        if name.endswith(".log"):
            yield name.removesuffix(".log"), path


def records(folder):
    """(provider, payload) of every record of a run; the load generator's provider is `client`."""
    for name, path in log_files(folder):
        provider = "client" if name == "artillery" else name
        for text in messages(name, text_of(path)):
            for payload in payloads(text):
                yield provider, payload
