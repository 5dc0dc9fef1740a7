"""Decodes a Perfetto export with Perfetto's own protobuf definitions and compares it with the tables of its store.

Usage: perfetto_trace.py TABLES EXPORT
"""

from collections import Counter, defaultdict

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent
from store import arguments, close, micros


class Slice:
    def __init__(self, track, start, name, category, notes, flows, ended, parent):
        self.track, self.start, self.name, self.category = track, start, name, category
        self.notes, self.flows, self.ended, self.parent = notes, flows, ended, parent
        self.end = None


def decode(file):
    """Slices with their nesting, tracks, and counters, as trace_processor would read them: stably sorted by time."""
    trace = Trace()
    trace.ParseFromString(file.read_bytes())
    names = {"event_categories": {}, "event_names": {}, "debug_annotation_names": {}}
    tracks, events = {}, []
    for packet in trace.packet:
        assert packet.trusted_packet_sequence_id == 1
        for kind, known in names.items():
            for entry in getattr(packet.interned_data, kind):
                known[entry.iid] = entry.name
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert track.uuid not in tracks, "a track is declared once"
            assert not track.parent_uuid or track.parent_uuid in tracks, "a parent is declared before its children"
            tracks[track.uuid] = track
        if packet.HasField("track_event"):
            events.append(packet)
    events.sort(key=lambda packet: packet.timestamp)
    slices, counters, open_slices = [], defaultdict(list), defaultdict(list)
    for packet in events:
        event = packet.track_event
        track = event.track_uuid
        assert track in tracks, "events are on declared tracks"
        if event.type == TrackEvent.TYPE_COUNTER:
            counters[track].append((packet.timestamp, event.counter_value))
        elif event.type == TrackEvent.TYPE_SLICE_END:
            open_slices[track].pop().end = packet.timestamp
        else:
            notes = {}
            for note in event.debug_annotations:
                notes[names["debug_annotation_names"][note.name_iid]] = getattr(note, note.WhichOneof("value"))
            (category,) = [names["event_categories"][iid] for iid in event.category_iids]
            parent = open_slices[track][-1] if open_slices[track] else None
            name = names["event_names"][event.name_iid]
            flows, ended = list(event.flow_ids), list(event.terminating_flow_ids)
            found = Slice(track, packet.timestamp, name, category, notes, flows, ended, parent)
            slices.append(found)
            if event.type == TrackEvent.TYPE_SLICE_BEGIN:
                open_slices[track].append(found)
            else:
                assert notes["unfinished"]
    assert not any(open_slices.values()), "every slice ends"
    return tracks, slices, counters


def root_of(tracks, track):
    while tracks[track].parent_uuid:
        track = tracks[track].parent_uuid
    return tracks[track].process.process_name


def check_slices(store, tracks, slices):
    """As many slices as rows, where and when the rows say; nested ones are part of what they lie in."""
    invocations = {s.notes["invocation_id"]: s for s in slices if s.category in ("invocation", "cold invocation")}
    calls = [s for s in slices if s.category == "call"]
    db_calls = [s for s in slices if s.category == "db"]
    assert set(invocations) == set(store.by_id)
    assert len(calls) == len(store.sync), (len(calls), len(store.sync))
    assert len(db_calls) == len(store.db_calls)
    executors = defaultdict(set)
    for key, row in store.by_id.items():
        drawn = invocations[key]
        assert drawn.start == micros(row["start"]) * 1000, key
        if row["duration_ms"] is None:
            assert drawn.notes["unfinished"]
        else:
            close((drawn.end - drawn.start) / 1e6, row["duration_ms"], 0.0006, key)
        assert drawn.notes.get("cold") == row["cold"], key
        assert (drawn.category == "cold invocation") == (row["cold"] is True), key
        assert root_of(tracks, drawn.track) == row["provider"], key
        assert drawn.parent is None, "invocations lie in nothing"
        base = tracks[drawn.track]
        while tracks[base.parent_uuid].parent_uuid:
            base = tracks[base.parent_uuid]
        assert base.description == f"executor {row['executor']}"
        executors[base.uuid].add(row["executor"])
    assert all(len(found) == 1 for found in executors.values()), "a track is of one executor"
    assert len(executors) == len({(r["provider"], r["function"], r["executor"]) for r in store.invocations})

    def key_of(call):
        return call["pair_id"], micros(call["start"]) * 1000, call["callee_function"]

    wanted = Counter(key_of(call) for call in store.sync)
    drawn = Counter((s.notes["pair_id"], s.start, s.name.removeprefix("call ")) for s in calls)
    assert wanted == drawn
    callers = defaultdict(set)
    for call in store.sync:
        callers[key_of(call)].add(call["caller_id"])
    nested = 0
    for s in calls:
        if s.parent is not None:
            assert s.parent.notes["invocation_id"] in callers[(s.notes["pair_id"], s.start, s.name.removeprefix("call "))]
            nested += 1
    of_db = defaultdict(set)
    for row in store.db_calls:
        of_db[(row["context_id"], micros(row["start"]) * 1000)].add(row["invocation_id"])
    for s in db_calls:
        if s.parent is not None:
            assert s.parent.notes["invocation_id"] in of_db[(s.notes["context_id"], s.start)]
            nested += 1
    beside = [s for s in calls + db_calls if s.parent is None and root_of(tracks, s.track) != "client"]
    return len(invocations), len(calls), len(db_calls), nested, len(beside)


def check_beside(store, slices):
    """An operation lies beside its invocation only where it does not nest: it overlaps another one or outlives it."""
    operations = defaultdict(list)
    by_key = {}
    for call in store.sync:
        by_key.setdefault((call["pair_id"], micros(call["start"]) * 1000), call["caller_id"])
    for s in slices:
        if s.category == "call":
            operations[by_key[(s.notes["pair_id"], s.start)]].append(s)
    for caller, found in operations.items():
        whole = next((s for s in slices if s.notes.get("invocation_id") == caller), None) if caller else None
        for s in found:
            if s.parent is not None or whole is None or whole.end is None or s.end is None:
                continue
            others = [o for o in found if o is not s and o.end is not None]
            overlaps = any(o.start < s.end and s.start < o.end for o in others)
            assert overlaps or s.end > whole.end or s.start < whole.start, (caller, s.name)


def check_flows(store, slices):
    """One flow an edge: from the call to its callee, from a publisher to what it triggered."""
    begins = {flow: s for s in slices for flow in s.flows}
    ends = {flow: s for s in slices for flow in s.ended}
    assert set(begins) == set(ends) and len(begins) == sum(len(s.flows) for s in slices)
    found = Counter()
    for flow, s in begins.items():
        callee = ends[flow].notes["invocation_id"]
        found[("sync", s.notes["pair_id"], s.start, callee) if s.category == "call"
              else ("async", s.notes["invocation_id"], callee)] += 1
    wanted = Counter()
    for call in store.sync:
        if call["callee_id"] is not None:
            wanted[("sync", call["pair_id"], micros(call["start"]) * 1000, call["callee_id"])] += 1
    for call in store.calls:
        if call["kind"] == "async" and call["caller_id"] and call["callee_id"]:
            wanted[("async", call["caller_id"], call["callee_id"])] += 1
    assert found == wanted
    return sum(wanted.values())


def check_counters(store, tracks, counters):
    """Each counter shows how many invocations run, counted here from the table."""
    for track, values in counters.items():
        provider, name = root_of(tracks, track), tracks[track].name
        changes = Counter()
        for row in store.invocations:
            function = name.removeprefix("running: ")
            counted = row["provider"] == provider and (name == "running invocations" or row["function"] == function)
            if counted and row["duration_ms"] is not None:
                start = micros(row["start"])
                changes[start] += 1
                changes[start + int(row["duration_ms"] * 1000 + 0.5)] -= 1
        running, wanted = 0, []
        for at in sorted(changes):
            running += changes[at]
            if changes[at]:
                wanted.append((at * 1000, running))
        assert values == wanted, (provider, name)
        assert not values or values[-1][1] == 0
    return len(counters)


def main():
    store, file = arguments()
    tracks, slices, counters = decode(file)
    sizes = check_slices(store, tracks, slices)
    check_beside(store, slices)
    flows = check_flows(store, slices)
    print(f"tracks {len(tracks)}, invocations, calls, db operations, nested, beside {sizes}, flows {flows}, "
          f"counters {check_counters(store, tracks, counters)}")


main()
