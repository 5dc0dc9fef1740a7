"""Rebuilds call trees from records and divides their time (METHODS, sections 3, 4 and 6), plainly and slowly.

Written from the definitions, without a look at faaslens's code, to have numbers to compare it with.
"""

from collections import defaultdict
from dataclasses import dataclass, field

EXECUTION_OPS = ("rpcIn", "msg", "get", "post", "put", "patch", "del", "all")


@dataclass
class Operation:
    """A call or a database operation of an invocation; `end` is None where no measure tells it."""

    target: str
    callee_pair: str
    start: float
    end: float | None

    @property
    def is_call(self):
        return bool(self.callee_pair)


@dataclass
class Invocation:
    """One execution of one function."""

    context: str
    pair: str
    provider: str
    function: str
    executor: str
    op: str
    start: float
    end: float | None
    start_logged: float | None = None
    operations: list = field(default_factory=list)
    callees: dict = field(default_factory=dict)
    caller: object = None
    triggered_by: object = None

    @property
    def duration(self):
        return None if self.end is None else self.end - self.start

    @property
    def is_publisher(self):
        return self.function.startswith("publisher")


@dataclass
class Run:
    """What the records of a run say."""

    records: int = 0
    cold_start_lines: int = 0
    contexts: set = field(default_factory=set)
    executors: set = field(default_factory=set)
    function_executors: set = field(default_factory=set)
    origins: dict = field(default_factory=dict)
    invocations: dict = field(default_factory=lambda: defaultdict(list))
    client: dict = field(default_factory=lambda: defaultdict(dict))
    by_file: dict = field(default_factory=lambda: defaultdict(int))


def read(records):
    """Builds a run from (provider, payload) pairs; exact repetitions of a record count once."""
    run, seen = Run(), set()
    marks = defaultdict(lambda: defaultdict(list))
    for provider, payload in records:
        if repr((provider, payload)) in seen:
            continue
        seen.add(repr((provider, payload)))
        executor, event = payload["fn"]["id"], payload["event"]
        run.records += 1
        run.by_file[provider] += 1
        run.executors.add(executor)
        if provider != "client":
            run.function_executors.add(executor)
        bound = payload["timestamp"] - payload["now"]
        run.origins[executor] = max(run.origins.get(executor, bound), bound)
        run.cold_start_lines += "coldstart" in event
        if "contextId" not in event:
            continue
        run.contexts.add(event["contextId"])
        if "type" in event:
            run.client[event["contextId"], event["xPair"]][event["type"]] = payload["now"]
        elif "perf" in event:
            key = (event["contextId"], event["xPair"], provider, payload["fn"]["name"], executor)
            kind, _, op = event["perf"]["mark"].partition(":")
            marks[key][kind].append((op, event["perf"]["startTime"], event["perf"]["duration"], payload["timestamp"]))
    for key, of_kind in marks.items():
        add_invocations(run, key, of_kind)
    for invocations in run.invocations.values():
        link(invocations)
    return run


def add_invocations(run, key, of_kind):
    """Turns the marks and measures of one (context, pair, executor) into invocations with their operations."""
    measured = {(op, start): start + duration for op, start, duration, _ in of_kind["measure"]}
    logged = {(op, start): stamp for op, start, _, stamp in of_kind["start"]}
    spans = dict.fromkeys(logged) | measured
    found = []
    for (op, start), end in sorted(spans.items(), key=lambda span: span[0][1]):
        if op.split(":")[0] in EXECUTION_OPS:
            context, pair, provider, function, executor = key
            invocation = Invocation(context, pair, provider, function, executor, op, start, end, logged.get((op, start)))
            found.append(invocation)
            run.invocations[context].append(invocation)
    for (op, start), end in sorted(spans.items(), key=lambda span: span[0][1]):
        kind, _, rest = op.partition(":")
        if kind not in ("rpcOut", "dbOut"):
            continue
        target, _, callee_pair = rest.partition(":")
        owners = [i for i in found if i.start <= start and (i.end is None or start <= i.end)]
        assert owners, f"{key}: {op} belongs to no invocation"
        owners[-1].operations.append(Operation(target, callee_pair, start, end))


def link(invocations):
    """Joins callers and callees of one context, and publishers with what they trigger."""
    by_pair = defaultdict(list)
    for invocation in invocations:
        by_pair[invocation.pair].append(invocation)
    for invocation in invocations:
        for operation in invocation.operations:
            if operation.is_call:
                wanted = operation.target
                matches = [c for c in by_pair[operation.callee_pair] if c.function == wanted or (wanted == "publisher" and c.is_publisher)]
                if len(matches) == 1:
                    invocation.callees[operation.callee_pair] = matches[0]
                    matches[0].caller = invocation
    for pair, of_pair in by_pair.items():
        publishers = [i for i in of_pair if i.is_publisher]
        if len(publishers) == 1:
            for invocation in of_pair:
                if not invocation.is_publisher:
                    invocation.triggered_by = publishers[0]


def wall(invocation):
    """(compute, network with cold starts, database) of the elapsed time of an invocation, by the backward walk."""
    compute = network = database = 0.0
    now = invocation.end
    for operation in sorted(invocation.operations, key=lambda o: -o.end):
        if operation.end > now:
            continue
        compute += now - operation.end
        now = operation.start
        elapsed = operation.end - operation.start
        if not operation.is_call:
            database += elapsed
            continue
        callee = invocation.callees[operation.callee_pair]
        assert callee.duration <= elapsed, f"{callee} is longer than its call"
        inside = wall(callee)
        compute, network, database = compute + inside[0], network + inside[1], database + inside[2]
        network += elapsed - callee.duration
    return compute + now - invocation.start, network, database


def published(invocations):
    """(compute, network, database) of a context as [BeFaaS] sums them, over all its functions."""
    executions = sum(i.duration for i in invocations)
    calls = sum(o.end - o.start for i in invocations for o in i.operations if o.is_call)
    database = sum(o.end - o.start for i in invocations for o in i.operations if not o.is_call)
    callees = sum(i.callees[o.callee_pair].duration for i in invocations for o in i.operations if o.is_call)
    return executions - calls - database, calls - callees, database


def is_complete(invocations):
    """Whether every invocation ended, every operation ended, and every call has its callee."""
    return all(
        i.end is not None and all(o.end is not None and (not o.is_call or o.callee_pair in i.callees) for o in i.operations)
        for i in invocations
    )


def roots(invocations):
    """Invocations that nothing in the context called or triggered."""
    return [i for i in invocations if i.caller is None and i.triggered_by is None]
