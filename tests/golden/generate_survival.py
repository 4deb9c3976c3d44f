"""Writes the golden values that tests/survival.rs compares with.

lifelines 0.30.3 and scikit-survival 0.28.0, fixed seeds:

    python tests/golden/generate_survival.py

The file states the versions that wrote it.
"""

import json
import pathlib

import lifelines
import numpy as np
import sksurv
from lifelines import KaplanMeierFitter
from lifelines.utils import concordance_index
from sksurv.metrics import brier_score, cumulative_dynamic_auc, integrated_brier_score
from sksurv.util import Surv

HERE = pathlib.Path(__file__).parent


def kaplan_meier(durations, events, times):
    """With intervals by log(-log S), the default of lifelines. They are NaN where all survive."""
    fit = KaplanMeierFitter().fit(durations, events)
    at = lambda frame: [float(value) for value in np.asarray(frame).ravel()]
    index = fit.survival_function_.index.searchsorted(times, side="right") - 1
    interval = fit.confidence_interval_survival_function_.iloc[index]
    return {
        "durations": durations.tolist(),
        "events": events.astype(bool).tolist(),
        "times": list(times),
        "survival": at(fit.survival_function_at_times(times)),
        "low": at(interval.iloc[:, 0]),
        "high": at(interval.iloc[:, 1]),
        "median": float(fit.median_survival_time_),
    }


def curves(seed, n_rows, n_times):
    """Times without ties: at ties scikit-survival weighs events by 1 / G(T), and we by its limit from the left."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n_rows)
    event_time = rng.exponential(10.0 * np.exp(-risk))
    censoring = rng.uniform(1.0, 25.0, size=n_rows)
    durations = np.round(np.minimum(event_time, censoring), 6)
    assert len(set(durations)) == n_rows
    events = event_time <= censoring
    times = np.linspace(1.0, 18.0, n_times)
    # A model that is wrong by some noise; of one decimal, so that there are ties. Other risks are far enough apart that
    # scikit-survival, which takes 1e-8 for a tie, sees them.
    seen = np.round(risk + rng.normal(size=n_rows), 1)
    survival = np.exp(-times[None, :] / 10.0 * np.exp(0.5 * seen)[:, None])
    target = Surv.from_arrays(events, durations)
    _, brier = brier_score(target, target, survival, times)
    auc, _ = cumulative_dynamic_auc(target, target, 1.0 - survival, times)
    return {
        "durations": durations.tolist(),
        "events": events.tolist(),
        "times": times.tolist(),
        "risks": seen.tolist(),
        "survival": survival.ravel().tolist(),
        "brier_score": brier.tolist(),
        "integrated_brier_score": float(integrated_brier_score(target, target, survival, times)),
        "roc_auc": auc.tolist(),
        "harrell": float(concordance_index(durations, -seen, events)),
    }


def tied(seed, n_rows):
    rng = np.random.default_rng(seed)
    durations = rng.integers(1, 8, size=n_rows).astype(float)
    events = rng.random(n_rows) < 0.6
    risks = np.round(rng.normal(size=n_rows) - durations / 8.0, 1)
    found = kaplan_meier(durations, events, [0.5, 1.0, 2.5, 4.0, 5.0, 6.0])
    return found | {
        "risks": risks.tolist(),
        "harrell": float(concordance_index(durations, -risks, events)),
    }


golden = {
    "versions": {"lifelines": lifelines.__version__, "scikit-survival": sksurv.__version__},
    "tied": tied(3, 60),
    "curves": [curves(seed, n_rows, n_times) for seed, n_rows, n_times in [(1, 83, 7), (2, 131, 5)]],
}
(HERE / "survival.json").write_text(json.dumps(golden) + "\n")
