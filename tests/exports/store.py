"""Tables of a store as `faaslens table` prints them, and facts about them that the exports have to show."""

import json
import pathlib
import sys


class Store:
    """The tables of one run, read from the folder that the test filled with `faaslens table NAME --format json`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.invocations = self.table("invocations")
        self.calls = self.table("calls")
        self.db_calls = self.table("db_calls")
        self.traces = self.table("traces")
        self.critical_path = self.table("critical_path")
        self.by_id = {row["invocation_id"]: row for row in self.invocations}
        assert len(self.by_id) == len(self.invocations), "invocation ids are unique in a run"
        self.sync = [call for call in self.calls if call["kind"] == "sync" and call["start"] is not None]

    def table(self, name):
        return json.loads((self.folder / f"{name}.json").read_text())

    def path(self, invocation_id):
        """Names from the root down to an invocation."""
        names = []
        while invocation_id in self.by_id:
            row = self.by_id[invocation_id]
            names.append(row["function"] if row["route"] is None else f"{row['function']} {row['route']}")
            invocation_id = row["parent_id"]
        return tuple(reversed(names))


def micros(stamp):
    """Microseconds since the Unix epoch of an RFC 3339 stamp in UTC with six decimals."""
    import calendar
    import time

    whole = calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
    assert stamp[19] == "." and stamp[26:] == "Z", stamp
    return whole * 1_000_000 + int(stamp[20:26])


def close(found, expected, tolerance, what):
    assert abs(found - expected) <= tolerance, f"{what}: found {found}, expected {expected}"


def arguments():
    """The folder of the tables and the exported file."""
    return Store(sys.argv[1]), pathlib.Path(sys.argv[2])
