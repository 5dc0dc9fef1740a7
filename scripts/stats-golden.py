"""Writes the expected numbers of the statistics' tests into analyze/tests/golden.

    python3 scripts/stats-golden.py

Needs Python 3.11, numpy 2 and SciPy 1.17. Every number comes from SciPy, from numpy or from a plain transcription of a
published formula below; the inputs are drawn from numpy's seeded PCG64.
"""

import itertools
import json
import math
from pathlib import Path

import numpy as np
from scipy import stats

TARGET = Path(__file__).resolve().parents[1] / "analyze/tests/golden"

# Hollander & Wolfe (1973), p. 69: permeability constants of the human chorioamnion; the example of R's wilcox.test.
PERMEABILITY = (
    [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
    [1.15, 0.88, 0.90, 0.74, 1.21],
)


def groups():
    """Pairs of groups by name."""
    rng = np.random.default_rng(8)
    yield "permeability", *PERMEABILITY
    yield "ties", rng.integers(1, 9, 40).astype(float), rng.integers(2, 10, 55).astype(float)
    yield "few_ties", [1.0, 2.0, 2.0, 5.0], [2.0, 3.0, 7.0]
    yield "log_normal", rng.lognormal(3, 0.5, 300), rng.lognormal(3.1, 0.5, 250)
    yield "apart", rng.normal(0, 1, 30), rng.normal(6, 1, 40)
    yield "one_value", [3.5], [1.0, 2.0, 3.0, 4.0, 9.0]
    yield "large", rng.normal(10, 2, 2500).round(5), rng.gamma(20, 0.5, 3000).round(5)
    yield "equal", [4.0] * 7, [4.0] * 9


def two_groups():
    """Tests of two groups."""
    for name, a, b in groups():
        a, b = np.asarray(a, float), np.asarray(b, float)
        tied = len(np.unique(np.concatenate([a, b]))) < len(a) + len(b)
        exact = not tied and len(a) * len(b) <= 2500
        u = stats.mannwhitneyu(a, b, method="exact" if exact else "asymptotic")
        ks = stats.ks_2samp(a, b, method="exact" if len(a) * len(b) <= 4_000_000 else "asymp")
        ks_p = ks.pvalue
        if len(a) * len(b) > 4_000_000:
            ks_p = stats.kstwobign.sf(ks.statistic * math.sqrt(len(a) * len(b) / (len(a) + len(b))))
        differences = np.sort(np.subtract.outer(a, b).ravel())
        rank = shift_rank(len(a), len(b))
        a12 = float(u.statistic) / (len(a) * len(b))
        yield {
            "name": name, "a": list(a), "b": list(b),
            "u": float(u.statistic), "u_p": 1.0 if math.isnan(u.pvalue) else float(u.pvalue), "u_exact": exact,
            "a12": a12, "delta": float(np.sign(np.subtract.outer(a, b)).mean()),
            "ks": float(ks.statistic), "ks_p": float(ks_p),
            "shift": float(np.median(differences)),
            "shift_low": None if rank is None else float(differences[rank]),
            "shift_high": None if rank is None else float(differences[-1 - rank]),
        }


def shift_rank(m, n):
    """Rank from 0 of the lower end of Moses' 95 % interval: exact up to 2,500 pairs."""
    if m * n > 2500:
        return math.floor(m * n / 2 + stats.norm.ppf(0.025) * math.sqrt(m * n * (m + n + 1) / 12)) - 1
    # ways[k]: number of ways to choose k of the ranks so far with a given sum.
    ways = [{} for _ in range(m + 1)]
    ways[0] = {0: 1}
    for value in range(1, m + n + 1):
        for k in range(min(m, value), 0, -1):
            for total, count in ways[k - 1].items():
                ways[k][total + value] = ways[k].get(total + value, 0) + count
    least, total = m * (m + 1) // 2, math.comb(m + n, m)
    below, rank = 0, None
    for u in range(m * n + 1):
        below += ways[m].get(least + u, 0)
        if below / total > 0.025:
            break
        rank = u
    return rank


def brunner_munzel():
    """p-values for independent values: what a dominance of one run a group comes to where blocks are of length 1."""
    rng = np.random.default_rng(4)
    # Tryon & Hetherington; the example of Brunner & Munzel (2000) and of scipy.stats.brunnermunzel.
    yield {"name": "pain", "a": [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], "b": [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]}
    yield {"name": "uniform", "a": list(rng.permutation(8) / 8.0), "b": list(rng.permutation(8) / 9.0 + 0.1)}


def with_brunner_munzel(case):
    found = stats.brunnermunzel(case["a"], case["b"])
    return case | {"a": [float(v) for v in case["a"]], "b": [float(v) for v in case["b"]], "p": float(found.pvalue)}


def order_ranks(n, p, level):
    """The shortest pair of ranks, by trying all; of equally short ones the one that holds most, then the lowest; None where
    none holds enough."""
    mass = stats.binom.pmf(np.arange(n + 1), n, p)
    total = np.concatenate([[0], np.cumsum(mass)])
    for width in range(1, n):
        held = [(round(total[low + width] - total[low], 12), -low) for low in range(1, n - width + 1)]
        best = max(held)
        if best[0] >= level:
            return {"low": -best[1], "high": -best[1] + width, "coverage": float(best[0])}
    return None


def order_statistics():
    for n, p in itertools.product([1, 5, 6, 10, 58, 59, 100, 298, 299, 400, 1000], [0.25, 0.5, 0.95, 0.99]):
        yield {"n": n, "p": p, "level": 0.95, "ranks": order_ranks(n, p, 0.95)}


def bootstrap_quantiles():
    """Ends of the percentile bootstrap interval from the binomial distribution of ranks."""
    for n, p in [(7, 0.5), (11, 0.5), (12, 0.5), (101, 0.95), (400, 0.5), (1001, 0.25), (100_001, 0.5)]:
        position = (n - 1) * p
        rank, fraction = math.floor(position) + 1, position - math.floor(position)
        shares = np.arange(1, n + 1) / n

        def end(share, rank):
            return int(np.argmax(stats.binom.sf(rank - 1, n, shares) >= share)) + 1

        ends = []
        for share in (0.025, 0.975):
            low = end(share, rank)
            high = end(share, rank + 1) if fraction > 0 else low
            ends.append(low + fraction * (high - low))
        yield {"n": n, "p": p, "low": ends[0], "high": ends[1]}


def special():
    """Distribution functions, seen through what uses them."""
    return {
        "holm": [
            # Holm (1979) by hand: sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1.
            {"p": [0.01, 0.04, 0.03, 0.005], "corrected": [0.03, 0.06, 0.06, 0.02]},
            {"p": [0.5, 0.9], "corrected": [1.0, 1.0]},
        ],
        # Interval of a ratio 1 / 1.1 to 1.1 at 95 %; seen with power 0.8.
        "detectable": math.exp(math.log(1.1) * (1 + stats.norm.ppf(0.8) / stats.norm.ppf(0.975))),
    }


def block_length(x):
    """Politis & White (2004) with the correction of Patton, Politis & White (2009), moving blocks."""
    x = np.asarray(x, float)
    n = len(x)
    e = x - x.mean()
    cov = [float(e[: n - k] @ e[k:]) / n for k in range(n)]
    quiet = max(5, math.ceil(math.log10(n)))
    greatest = min(math.ceil(math.sqrt(n)) + quiet, n - 1)
    bound = 2 * math.sqrt(math.log10(n) / n) * cov[0]
    last = 0
    while last < greatest:
        window = [k for k in range(last + 1, min(last + quiet, greatest) + 1) if abs(cov[k]) >= bound]
        if not window:
            break
        last = window[-1]
    band = min(2 * max(last, 1), greatest)
    weight = [min(1.0, 2 * (1 - k / band)) for k in range(band + 1)]
    spread = cov[0] + 2 * sum(weight[k] * cov[k] for k in range(1, band + 1))
    slope = 2 * sum(weight[k] * k * cov[k] for k in range(1, band + 1))
    length = (2 * slope**2 / (4 / 3 * spread**2)) ** (1 / 3) * n ** (1 / 3)
    return int(min(max(math.ceil(length), 1), math.ceil(min(3 * math.sqrt(n), n / 3))))


def autoregressive(rng, n, phi):
    x = np.empty(n)
    x[0] = rng.normal() / math.sqrt(1 - phi * phi)
    for i in range(1, n):
        x[i] = phi * x[i - 1] + rng.normal()
    return x


def batch_variance(x, b):
    """Variance of the mean from overlapping batches (Meketon & Schmeiser 1984)."""
    n = len(x)
    blocks = np.lib.stride_tricks.sliding_window_view(x, b).mean(axis=1)
    return b / ((n - b + 1) * (n - b)) * ((blocks - x.mean()) ** 2).sum()


def series():
    """Means of dependent values: block length and variance of the mean over all overlapping blocks."""
    rng = np.random.default_rng(5)
    for n, phi in [(40, 0.0), (200, 0.5), (500, 0.8), (1000, 0.3), (2000, 0.0)]:
        x = autoregressive(rng, n, phi)
        b = block_length(x)
        variance, freedom = batch_variance(x, b), n - 1
        if b > 1:
            # The lugsail of Vats & Flegal (2022).
            long = min(2 * b, n // 2)
            variance = max(variance, 2 * batch_variance(x, long) - variance)
            freedom = max(1.0, 1.5 * (n / long - 1))
        reach = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
        yield {"x": list(x), "length": b, "mean": float(x.mean()), "low": x.mean() - reach, "high": x.mean() + reach}


def settling():
    """Warm-up by MSER-5 and the KPSS test for a level, by their definitions."""
    rng = np.random.default_rng(7)
    decay = 30 * np.exp(-np.arange(600) / 25)
    yield with_settling("settled", rng.normal(20, 2, 400))
    yield with_settling("warm-up", rng.normal(20, 2, 600) + decay)
    yield with_settling("trend", rng.normal(0, 1, 300) + np.arange(300) / 30)
    yield with_settling("dependent", autoregressive(rng, 500, 0.6))
    yield with_settling("short", rng.normal(20, 2, 30))


def with_settling(name, x):
    n, batches = len(x), [np.mean(x[i : i + 5]) for i in range(0, len(x) - 4, 5)]
    k = len(batches)
    errors = {d: np.var(batches[d:]) / (k - d) for d in range(k - 4)}
    cut = min(errors, key=errors.get)
    warm_up = None if n < 50 or cut >= k // 2 else 5 * cut
    lags = int(12 * (n / 100) ** 0.25)
    e = x - x.mean()
    long_run = (e @ e + 2 * sum((1 - j / (lags + 1)) * (e[:-j] @ e[j:]) for j in range(1, lags + 1))) / n
    statistic = float((np.cumsum(e) ** 2).sum() / n**2 / long_run)
    p = float(np.interp(statistic, [0.347, 0.463, 0.574, 0.739], [0.1, 0.05, 0.025, 0.01]))
    return {"name": name, "x": list(x), "warm_up": warm_up, "kpss": statistic, "lags": lags, "p": p}


def energy(x, y):
    """Scaled energy distance of Matteson & James (2014), by its definition."""
    m, n = len(x), len(y)
    across = 2 / (m * n) * np.abs(np.subtract.outer(x, y)).sum()
    first = np.abs(np.subtract.outer(x, x)).sum() / (m * (m - 1))
    second = np.abs(np.subtract.outer(y, y)).sum() / (n * (n - 1))
    return m * n / (m + n) * (across - first - second)


def changes():
    """First split of a series by trying all, and the changes that were put in."""
    rng = np.random.default_rng(6)
    yield {"name": "level", "x": [*rng.normal(0, 1, 30), *rng.normal(4, 1, 25)], "at": [30]}
    yield {"name": "two", "x": [*rng.normal(0, 1, 25), *rng.normal(5, 1, 30), *rng.normal(0, 1, 25)], "at": [25, 55]}
    yield {"name": "spread", "x": [*rng.normal(0, 1, 60), *rng.normal(0, 8, 60)], "at": [60]}
    yield {"name": "none", "x": [*rng.normal(0, 1, 60)], "at": []}


def with_first_split(case, least=5):
    x = np.array(case["x"])
    tried = [
        (energy(x[:i], x[i:j]), -i)
        for i in range(least, len(x) - least + 1)
        for j in range(i + least, len(x) + 1)
    ]
    best = max(tried)
    return case | {"x": list(x), "split": -best[1], "distance": best[0]}


def write(name, value):
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / f"{name}.json").write_text(json.dumps(value, indent=None, separators=(",", ":")) + "\n")


write("two_groups", list(two_groups()))
write("brunner_munzel", [with_brunner_munzel(case) for case in brunner_munzel()])
write("order_statistics", list(order_statistics()))
write("bootstrap_quantiles", list(bootstrap_quantiles()))
write("special", special())
write("series", list(series()))
write("settling", list(settling()))
write("changes", [with_first_split(case) for case in changes()])
