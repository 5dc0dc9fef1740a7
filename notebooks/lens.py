"""Reads a store of faaslens, and compares what a notebook shows with what `faaslens table` prints.

Which store: the environment variable FAASLENS_STORE, `store` in the working folder otherwise. Which faaslens: FAASLENS, the one
on the path otherwise. Nothing is computed here.
"""

import json
import os
import pathlib
import subprocess

import matplotlib.pyplot as plt
import polars as pl
from matplotlib import scale, ticker
import pyarrow.parquet as pq


class Logarithmic(scale.LogScale):
    """Steps of 1, 2 and 5 with plain numbers, instead of powers of ten with exponents."""

    name = "plain-log"

    def set_default_locators_and_formatters(self, axis):
        axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.10g}".replace(",", "\u202f")))
        axis.set_minor_locator(ticker.NullLocator())


scale.register_scale(Logarithmic)
LOG = Logarithmic.name

STORE = pathlib.Path(os.environ.get("FAASLENS_STORE", "store"))
PROGRAM = os.environ.get("FAASLENS", "faaslens")

# Okabe and Ito's colours, the same provider always the same one.
COLOURS = {"aws": "#e69f00", "azure": "#0072b2", "google": "#009e73", "tinyfaas": "#f0e442", "openfaas": "#d55e00",
           "openwhisk": "#cc79a7", "client": "#56b4e9"}
NETWORKS = ["lcl", "cld", "bad", "typ", "opt"]

plt.rcParams.update({"figure.dpi": 110, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
                     "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True,
                     "figure.constrained_layout.use": True, "legend.frameon": False})


def manifests():
    """What is known of every complete run: id, labels, sources, files."""
    found = [json.loads(path.read_text()) for path in sorted((STORE / "runs").glob("*.json"))]
    return [manifest for manifest in found if manifest["state"] == "complete"]


def table(name):
    """A table of the store, all runs: only files that the manifests name, so nothing unfinished is seen."""
    frames = []
    for manifest in manifests():
        files = manifest["files"] + (manifest["analysis"] or {"files": []})["files"]
        for file in sorted((file for file in files if file["table"] == name), key=lambda file: file["part"]):
            # A file by itself: its folder names (run=…, part=…) are no columns here.
            frame = pl.from_arrow(pq.ParquetFile(STORE / file["path"]).read())
            frames.append(frame.insert_column(0, pl.lit(manifest["run"]).alias("run")))
    if not frames:
        # Tables that pool runs lie by themselves.
        frames = [pl.from_arrow(pq.read_table(STORE / name / f"{name}.parquet"))]
    return plain(pl.concat(frames))


def plain(frame):
    """Dictionary-encoded columns as text, instants as `faaslens` prints them."""
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String),
                              pl.col(pl.Datetime("us", "UTC")).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))


def run(*arguments):
    """What faaslens prints. 1 says that some input was lossy, 4 that a regression is proven: both are answers."""
    ended = subprocess.run([PROGRAM, "--quiet", *map(str, arguments)], capture_output=True, text=True)
    assert ended.returncode in (0, 1, 4), ended.stderr
    return ended.stdout


def printed(name):
    """The rows of `faaslens table NAME --format json`."""
    return json.loads(run("table", name, "--store", STORE, "--format", "json"))


def agrees(shown, name):
    """Asserts that every row shown is one that `faaslens table` prints, column by column; gives the rows back."""
    assert len(shown), f"{name}: there is nothing to show"
    rows = {tuple(row[column] for column in shown.columns) for row in printed(name)}
    for row in shown.iter_rows():
        assert row in rows, f"{name}: faaslens prints no row {dict(zip(shown.columns, row))}"
    return shown


def box_plot(axis, boxes, outliers, label, colour):
    """Draws Tukey boxes from the tables `boxes` and `outliers`; `label` and `colour` take a row."""
    keys = ["measure", "provider", "peer", "function"]
    values = {}
    for outlier in outliers.iter_rows(named=True):
        values.setdefault(tuple(outlier[key] for key in keys), []).append(outlier["value_ms"])
    rows = list(boxes.iter_rows(named=True))
    stats = [{"label": label(row), "whislo": row["whisker_low_ms"], "q1": row["q1_ms"], "med": row["median_ms"],
              "q3": row["q3_ms"], "whishi": row["whisker_high_ms"],
              "fliers": values.get(tuple(row[key] for key in keys), [])} for row in rows]
    drawn = axis.bxp(stats, patch_artist=True, widths=0.6, medianprops={"color": "#222222", "linewidth": 1.4},
                     flierprops={"marker": "o", "markersize": 2.5, "markeredgewidth": 0.5, "alpha": 0.6})
    for patch, row in zip(drawn["boxes"], rows):
        patch.set(facecolor=colour(row), linewidth=0.8)
    axis.grid(visible=False, axis="x")
    axis.tick_params(axis="x", rotation=40)
    plt.setp(axis.get_xticklabels(), ha="right", rotation_mode="anchor")
    return drawn


def provider_legend(axis, providers, **where):
    """A legend of providers in their fixed order."""
    patches = [plt.Rectangle((0, 0), 1, 1, facecolor=COLOURS.get(name, "#bbbbbb"), edgecolor="#222222", linewidth=0.6)
               for name in providers]
    axis.legend(patches, providers, **where)
