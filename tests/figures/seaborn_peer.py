"""Draws the figures of a report with seaborn, from the rows of the store, and compares what is drawn.

Box plots: medians, quartiles, whiskers and outliers are read off the boxes that seaborn drew and compared with the data file
(CSV) beside faaslens's figure; bars, lines and points likewise. Seaborn computes everything from single invocations, calls and
segments, faaslens's figure from its result tables.

Usage: seaborn_peer.py TABLES FIGURES OUT [FIGURE...]

TABLES has `faaslens table NAME --format json` as NAME.json, FIGURES the report's CSV files; pictures go to OUT.
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

TABLES, FIGURES, OUT = (pathlib.Path(argument) for argument in sys.argv[1:4])
KEYS = ["measure", "provider", "peer", "function"]
COLOURS = dict(zip(["aws", "azure", "google", "tinyfaas", "openfaas", "client"],
                   ["#e69f00", "#0072b2", "#009e73", "#f0e442", "#d55e00", "#56b4e9"]))


def table(name):
    return pd.DataFrame(json.loads((TABLES / f"{name}.json").read_text()))


def drawn(name):
    return pd.read_csv(FIGURES / f"{name}.csv", keep_default_na=False, na_values=[""])


def same(found, wanted, what):
    found, wanted = np.sort(np.asarray(found, float)), np.sort(np.asarray(wanted, float))
    assert found.shape == wanted.shape, f"{what}: {found.shape} drawn by seaborn, {wanted.shape} in the figure's data"
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9, err_msg=what)


def save(figure, name):
    figure.savefig(OUT / f"{name}.png", dpi=150, bbox_inches="tight")
    plt.close(figure)


def values(measure, provider, value, peer=None, function=None):
    """Single values with the keys of their box."""
    rows = pd.DataFrame({"provider": provider, "value": value})
    rows["measure"], rows["peer"], rows["function"] = measure, peer, function
    return rows.dropna(subset=["value"])


def boxes(name, panels, log=True):
    """Box plots, one panel a measure; every box that seaborn draws equals one of the figure's data, and there are no others."""
    data = drawn(name)
    figure, axes = plt.subplots(1, len(panels), figsize=(7, 3), squeeze=False)
    compared = 0
    for axis, rows in zip(axes[0], panels):
        rows = rows.assign(key=rows[KEYS].astype(object).fillna("").apply(tuple, axis=1))
        order = sorted(rows["key"].unique(), key=lambda key: (key[3], key[1], key[2]))
        labels = {key: " ".join(part for part in (key[1], key[2], key[3]) if part) for key in order}
        rows["label"] = rows["key"].map(labels)
        sns.boxplot(data=rows, x="label", y="value", order=[labels[key] for key in order], fliersize=2, linewidth=0.7,
                    ax=axis)
        axis.tick_params(axis="x", rotation=90, labelsize=6)
        if log:
            axis.set_yscale("log")
        axis.set(title=rows["measure"].iloc[0], xlabel="", ylabel="ms")
        (container,) = axis.containers
        for place, key in enumerate(order):
            of_key = data[KEYS].astype(object).fillna("").apply(tuple, axis=1) == key
            box = data[of_key & data["n"].notna()]
            assert len(box) == 1, f"{name}: {key} has {len(box)} boxes"
            box = box.iloc[0]
            corners = container.boxes[place].get_path().vertices[:, 1]
            container.boxes[place].set_facecolor(COLOURS.get(key[1], "#bbbbbb"))
            low, high = (container.whiskers[2 * place + side].get_ydata()[1] for side in (0, 1))
            same([corners.min(), corners.max()], [box["q1_ms"], box["q3_ms"]], f"{name} {key}: quartiles")
            same(container.medians[place].get_ydata()[:1], [box["median_ms"]], f"{name} {key}: median")
            same([low, high], [box["whisker_low_ms"], box["whisker_high_ms"]], f"{name} {key}: whiskers")
            fliers = container.fliers[place].get_ydata()
            same(fliers, data[of_key & data["n"].isna()]["outlier_ms"], f"{name} {key}: outliers")
            assert (rows["key"] == key).sum() == box["n"], f"{name} {key}: n"
            compared += 1
    assert compared == data["n"].notna().sum(), f"{name}: the figure has boxes that seaborn does not draw"
    save(figure, name)
    return f"{compared} boxes, {data['n'].isna().sum()} outliers"


def execution_duration():
    rows = table("invocations")
    return boxes("execution-duration",
                 [values("execution_duration", rows["provider"], rows["duration_ms"], function=rows["function"])])


def route_duration():
    rows = table("invocations")
    rows = rows[rows["trigger"] == "http"]
    return boxes("route-duration", [values("route_duration", rows["provider"], rows["duration_ms"],
                                           function=rows["function"] + " " + rows["route"])])


def publish_network():
    calls = table("calls")
    publishers = set(calls[calls["kind"] == "async"]["caller_function"])
    calls = calls[(calls["kind"] == "sync") & calls["callee_function"].isin(publishers)]
    return boxes("publish-network", [values("publish_latency", calls["caller_provider"], calls["network_ms"],
                                            peer=calls["callee_provider"])])


def network():
    """Round trips of synchronous calls by pair of providers; those to publishers are the figure publish-network's."""
    calls = table("calls")
    publishers = set(calls[calls["kind"] == "async"]["caller_function"])
    calls = calls[(calls["kind"] == "sync") & ~calls["callee_function"].isin(publishers) & calls["callee_provider"].notna()]
    return boxes("network", [values("network", calls["caller_provider"], calls["network_ms"], peer=calls["callee_provider"])])


def completeness():
    """Records by provider and second of the log clock, since the first record."""
    rows, data = table("events"), drawn("completeness")
    second = pd.to_datetime(rows["logged_at"]).dt.floor("s")
    since = (second - second.min()).dt.total_seconds()
    rows = rows.assign(second=since + data["second"].min(), one=1)
    figure, axis = plt.subplots(figsize=(7, 3))
    sns.lineplot(data=rows, x="second", y="one", hue="provider", estimator="sum", errorbar=None, ax=axis)
    lines = {text.get_text(): line for text, line in zip(axis.get_legend().get_texts(), axis.lines)}
    compared = 0
    for provider, wanted in data.groupby("provider"):
        wanted = wanted[wanted["lines"] > 0].sort_values("second")
        found = lines[provider].get_xydata()
        same(found[:, 0], wanted["second"], f"completeness {provider}: seconds")
        np.testing.assert_array_equal(found[:, 1], wanted["lines"], err_msg=provider)
        compared += len(found)
    save(figure, "completeness")
    return f"{compared} seconds"


def clock_offsets():
    """Estimates of the offset of each pair of providers' clocks, with their bounds."""
    rows, data = table("clock_offsets"), drawn("clock-offsets")
    rows = rows.assign(pair=rows["provider_a"] + " " + rows["provider_b"])
    data = data.assign(pair=data["provider_a"] + " " + data["provider_b"])
    figure, axis = plt.subplots(figsize=(4, 4))
    sns.stripplot(data=rows, y="pair", x="estimate_ms", order=sorted(set(rows["pair"])), jitter=False, size=3, ax=axis)
    points = np.concatenate([strip.get_offsets()[:, 0] for strip in axis.collections])
    same(points, data["estimate_ms"], "clock-offsets: estimates")
    for bound in ("low_ms", "high_ms"):
        for pair, part in rows.groupby("pair"):
            same(part[bound], data[data["pair"] == pair][bound], f"clock-offsets {pair}: {bound}")
    save(figure, "clock-offsets")
    return f"{len(points)} estimates"


def triggers():
    events = table("calls")
    events = events[events["kind"] == "async"]
    return boxes("triggers", [values("publisher_duration", events["caller_provider"], events["publisher_duration_ms"]),
                              values("trigger_delay", events["caller_provider"], events["trigger_delay_ms"])])


def time_shares():
    """Means over complete contexts, by entry route and overall, as bars."""
    traces = table("traces")
    traces = traces[traces["complete"] & traces["root_ms"].notna()]
    categories = {"compute": "compute_ms", "network": "network_ms", "db": "db_ms", "cold": "cold_ms"}
    long = pd.concat([
        pd.DataFrame({"name": name, "category": category, "ms": group[column].astype(float)})
        for name, group in [("all", traces), *traces.groupby("entry_route")]
        for category, column in categories.items()])
    data = drawn("time-shares")
    data = data[data["scope"] != "set"]
    order = list(dict.fromkeys(data["name"]))
    figure, axis = plt.subplots(figsize=(3.5, 4))
    sns.barplot(data=long, y="name", x="ms", hue="category", order=order, hue_order=list(categories), errorbar=None, ax=axis)
    compared = 0
    for category, container in zip(categories, axis.containers):
        for name, bar in zip(order, container):
            wanted = data[(data["name"] == name) & (data["category"] == category)]["mean_ms"]
            width = 0.0 if np.isnan(bar.get_width()) else bar.get_width()
            same([width], [0.0 if wanted.empty else wanted.iloc[0]], f"time-shares {name} {category}")
            compared += 1
    save(figure, "time-shares")
    return f"{compared} bars"


def what_if():
    """Fall of the median without a function's time, from the segments of critical paths."""
    traces = table("traces")
    traces = traces[traces["complete"] & traces["root_ms"].notna()]
    roots = traces.set_index("context_id")["root_ms"].astype(float)
    path = table("critical_path")
    path = path[(path["scope"] == "root") & path["context_id"].isin(roots.index)]
    data = drawn("what-if")
    falls = []
    for _, row in data.iterrows():
        own = {"own": ["compute", "db"], "db": ["db"], "network": ["network"]}[row["removed"]]
        of_row = path[(path["provider"] == row["provider"]) & (path["function"] == row["function"])
                      & path["category"].isin(own)]
        gone = of_row.groupby("context_id")["duration_ms"].sum().reindex(roots.index, fill_value=0.0)
        falls.append(roots.median() - (roots - gone).median())
    bars = data.assign(fall=falls, label=data["function"] + " (" + data["provider"] + ")")
    figure, axis = plt.subplots(figsize=(3.5, 5))
    sns.barplot(data=bars, y="label", x="fall", hue="removed", errorbar=None, ax=axis)
    drawn_bars = [bar.get_width() for container in axis.containers for bar in container if not np.isnan(bar.get_width())]
    # Times are whole microseconds in the segments.
    np.testing.assert_allclose(np.sort(drawn_bars), np.sort(data["fall_ms"]), atol=2e-3)
    save(figure, "what-if")
    return f"{len(drawn_bars)} bars"


def cold_phases():
    data = drawn("cold-phases")
    rows = table("invocations")
    rows = rows[rows["duration_ms"].notna()]
    requests = table("client_requests")
    first = pd.to_datetime(requests["sent_at"]).min()
    since = (pd.to_datetime(rows["start"]) - first).dt.total_seconds()
    rows = rows.assign(since=since, state=np.where(rows["cold"].eq(True), "cold", "warm"))
    figure, axis = plt.subplots(figsize=(7, 3))
    for state, size in (("warm", 4), ("cold", 16)):
        part = rows[rows["state"] == state]
        sns.scatterplot(data=part, x="since", y="duration_ms", s=size, linewidth=0, ax=axis, label=state)
    axis.set_yscale("log")
    for state, points in zip(("warm", "cold"), axis.collections):
        wanted = data[data["cold"].eq(True)] if state == "cold" else data[~data["cold"].eq(True)]
        same(points.get_offsets()[:, 1], wanted["duration_ms"], f"cold-phases {state}: durations")
        np.testing.assert_allclose(np.sort(points.get_offsets()[:, 0]), np.sort(wanted["since_load_s"]), atol=2e-6)
    save(figure, "cold-phases")
    return f"{len(data)} points, {int(data['cold'].eq(True).sum())} cold"


def throughput():
    """Medians over runs by threads."""
    rows, data = table("throughput"), drawn("throughput")
    panels = list(data.groupby(["test", "hardware"]))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.5 * len(panels), 3), squeeze=False)
    compared = 0
    for axis, ((test, hardware), wanted) in zip(axes[0], panels):
        part = rows[(rows["test"] == test) & (rows["hardware"] == hardware)]
        networks = list(dict.fromkeys(wanted["network"]))
        for network in networks:
            line = part[part["network"] == network]
            sns.lineplot(data=line, x="threads", y="ok_per_s", estimator="median", errorbar=None, marker="o", ax=axis,
                         label=network)
            points = axis.lines[-1].get_xydata()
            expected = wanted[wanted["network"] == network].sort_values("threads")
            same(points[:, 0], expected["threads"], f"throughput {network}: threads")
            np.testing.assert_allclose(points[:, 1], expected["median_ok_per_s"], rtol=1e-9)
            compared += len(points)
        axis.set(title=f"{test} {hardware}", ylim=(0, None))
    save(figure, "throughput")
    return f"{compared} points"


def chains():
    """Strips of single chains, and their medians."""
    rows, data = table("chains"), drawn("chains")
    rows = rows[~rows["success"].eq(False)]
    panels = list(data.groupby(["chaining", "length"]))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.2 * len(panels), 3), squeeze=False)
    compared = 0
    for axis, ((chaining, length), wanted) in zip(axes[0], panels):
        part = rows[(rows["chaining"] == chaining) & (rows["parameter"].astype(str) == str(length))]
        networks, hardware = list(dict.fromkeys(wanted["network"])), sorted(set(wanted["hardware"]))
        sns.stripplot(data=part, x="network", y="elapsed_ms", hue="hardware", order=networks, hue_order=hardware, dodge=True,
                      size=2, ax=axis)
        strips = [points for points in axis.collections if len(points.get_offsets())]
        wanted_strips = [wanted[(wanted["network"] == network) & (wanted["hardware"] == name)]["elapsed_ms"]
                         for network in networks for name in hardware]
        wanted_strips = [strip for strip in wanted_strips if len(strip)]
        assert len(strips) == len(wanted_strips)
        found = sorted(tuple(np.sort(points.get_offsets()[:, 1])) for points in strips)
        expected = sorted(tuple(np.sort(strip)) for strip in wanted_strips)
        assert found == expected, f"chains {chaining} {length}"
        medians = sorted(float(np.median(points.get_offsets()[:, 1])) for points in strips)
        same(medians, [strip.median() for strip in wanted_strips], f"chains {chaining} {length}: medians")
        axis.set(title=f"{chaining}, length {length}")
        compared += len(strips)
    save(figure, "chains")
    return f"{compared} strips, {len(data)} chains"


def compared_durations():
    """Execution durations of the two runs that were compared: by function and provider, one series a side."""
    rows = table("invocations")
    rows = rows[rows["duration_ms"].notna()]
    sides = dict(zip(sorted(rows["run"].unique()), "AB"))
    assert len(sides) == 2
    return rows.assign(side=rows["run"].map(sides))


def ecdf():
    """Empirical distribution functions of both sides: every point of the figure is the quantile of what seaborn drew."""
    rows, data = compared_durations(), drawn("ecdf")
    data = data[data["measure"] == "execution duration"]
    panels = list(data.groupby(["name", "provider"]))
    figure, axes = plt.subplots(1, len(panels), figsize=(2.4 * len(panels), 2.4), squeeze=False)
    compared = 0
    for axis, ((name, provider), panel) in zip(axes[0], panels):
        for side, points in panel.groupby("side"):
            part = rows[(rows["function"] == name) & (rows["provider"] == provider) & (rows["side"] == side)]
            sns.ecdfplot(data=part, x="duration_ms", ax=axis, label=side)
            steps = np.asarray(axis.lines[-1].get_xdata())[1:]
            assert len(steps) == len(part)
            same(np.quantile(steps, points["share"]), points["value_ms"], f"ecdf {name} {side}")
            compared += len(points)
        axis.set(title=name, xscale="log")
    save(figure, "ecdf")
    return f"{compared} points"


def forest():
    """Ratios of medians, B over A."""
    rows, data = compared_durations(), drawn("forest")
    data = data[data["measure"] == "execution duration"]
    rows = rows.merge(data[["name", "provider"]].rename(columns={"name": "function"}), on=["function", "provider"])
    order = list(data["name"])
    figure, axis = plt.subplots(figsize=(4, 4))
    sns.pointplot(data=rows, y="function", x="duration_ms", hue="side", hue_order=["A", "B"], order=order, estimator="median",
                  errorbar=None, linestyle="none", ax=axis)
    axis.set_xscale("log")
    medians = [np.asarray(line.get_xdata(), float) for line in axis.lines if len(line.get_xdata()) == len(order)]
    assert len(medians) == 2
    same(medians[1] / medians[0], data["ratio"], "forest: ratios of medians")
    save(figure, "forest")
    return f"{len(order)} ratios"


def history():
    """Medians of each run, in the order of the runs."""
    rows, data = compared_durations(), drawn("history")
    data = data[data["measure"] == "execution duration"]
    starts = rows.groupby("run")["start"].min().sort_values()
    rows = rows.assign(position=rows["run"].map({run: place + 1 for place, run in enumerate(starts.index)}))
    panels = list(data.groupby(["name", "provider"]))
    figure, axes = plt.subplots(1, len(panels), figsize=(2.4 * len(panels), 2.4), squeeze=False)
    compared = 0
    for axis, ((name, provider), points) in zip(axes[0], panels):
        part = rows[(rows["function"] == name) & (rows["provider"] == provider)]
        sns.lineplot(data=part, x="position", y="duration_ms", estimator="median", errorbar=None, marker="o", ax=axis)
        found = axis.lines[-1].get_xydata()
        same(found[:, 0], points["position"], f"history {name}: positions")
        np.testing.assert_allclose(found[:, 1], points.sort_values("position")["median_ms"], rtol=1e-9)
        axis.set(title=name)
        compared += len(found)
    assert compared
    save(figure, "history")
    return f"{compared} medians"


PEERS = {
    "execution-duration": execution_duration, "route-duration": route_duration, "publish-network": publish_network,
    "triggers": triggers, "time-shares": time_shares, "what-if": what_if, "cold-phases": cold_phases,
    "throughput": throughput, "chains": chains, "ecdf": ecdf, "forest": forest, "history": history,
    "network": network, "completeness": completeness, "clock-offsets": clock_offsets,
}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    sns.set_theme(style="ticks", font_scale=0.7)
    for name in sys.argv[4:]:
        print(f"{name}: the same {PEERS[name]()}")


main()
