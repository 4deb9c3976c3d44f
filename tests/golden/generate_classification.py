"""Writes the golden values that tests/classification.rs and tests/calibration.rs compare with.

scikit-learn 1.9.1 and SciPy, fixed seeds:

    python tests/golden/generate_classification.py

The file states the versions that wrote it.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.calibration import _sigmoid_calibration, calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn import metrics

HERE = pathlib.Path(__file__).parent
CLIP = float(np.finfo(np.float32).eps)


def calibration_error(labels, probabilities, weights, part):
    """By the definition, bin by bin."""
    total = weights.sum()
    error = 0.0
    for bin in np.unique(part):
        inside = part == bin
        weight = weights[inside]
        share = np.average(labels[inside], weights=weight)
        mean = np.average(probabilities[inside], weights=weight)
        error += weight.sum() / total * abs(share - mean)
    return error


def case(seed, n, decimals, weighted):
    random = np.random.default_rng(seed)
    logits = random.normal(-0.8, 1.5, n)
    probabilities = expit(logits)
    if decimals is not None:
        probabilities = probabilities.round(decimals)
    labels = (random.random(n) < expit(0.7 * logits - 0.2)).astype(int)
    weights = random.integers(0, 4, n) / 2 if weighted else np.ones(n)
    w = dict(sample_weight=weights)
    taken = (probabilities >= 0.4).astype(int)
    # A prediction on an edge belongs to the bin above, as in numpy.histogram.
    equal_width = np.minimum((probabilities * 10).astype(int), 9)
    found = {
        "roc_auc": metrics.roc_auc_score(labels, probabilities, **w),
        "average_precision": metrics.average_precision_score(labels, probabilities, **w),
        # As log_loss itself clips predictions of 32 bits.
        "log_loss": metrics.log_loss(labels, probabilities.clip(CLIP, 1 - CLIP), **w),
        "brier_score": metrics.brier_score_loss(labels, probabilities, **w),
        "accuracy": metrics.accuracy_score(labels, taken, **w),
        "precision": metrics.precision_score(labels, taken, **w),
        "recall": metrics.recall_score(labels, taken, **w),
        "f1": metrics.f1_score(labels, taken, **w),
        "error_of_equal_width": calibration_error(labels, probabilities, weights, equal_width),
    }
    if decimals is None and not weighted:
        share, mean = calibration_curve(labels, probabilities, n_bins=10, strategy="quantile")
        found["quantile_share"], found["quantile_mean"] = share.tolist(), mean.tolist()
    return {
        "threshold": 0.4,
        "probabilities": probabilities.tolist(),
        "labels": labels.astype(bool).tolist(),
        "weights": weights.tolist(),
        "metrics": found,
    }


def calibration(seed, n):
    random = np.random.default_rng(seed)
    logits = random.normal(0.5, 2.0, n).round(2)
    labels = (random.random(n) < expit(0.6 * logits - 0.9)).astype(int)
    weights = random.integers(1, 5, n) / 2
    a, b = _sigmoid_calibration(logits, labels, sample_weight=weights)
    line = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10000, solver="newton-cholesky")
    line.fit(logits[:, None], labels, sample_weight=weights)
    slope = lambda s: np.sum(weights * logits * (expit(s * logits) - labels))
    bound = 1 / (n + 2)
    isotonic = IsotonicRegression(y_min=bound, y_max=1 - bound, out_of_bounds="clip")
    isotonic.fit(logits, labels, sample_weight=weights)
    asked = np.linspace(-7, 8, 61)
    return {
        "logits": logits.tolist(),
        "labels": labels.astype(bool).tolist(),
        "weights": weights.tolist(),
        "platt_smoothed": [-a, -b],
        "platt_labels": [line.coef_[0, 0], line.intercept_[0]],
        "temperature": 1 / brentq(slope, 1e-3, 1e3, xtol=1e-14),
        "asked": asked.tolist(),
        "isotonic": isotonic.predict(asked).tolist(),
    }


def main():
    written = {
        "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "cases": [case(1, 80, None, False), case(2, 101, 1, False), case(3, 97, 1, True), case(4, 89, None, True)],
        "calibration": [calibration(5, 150), calibration(6, 40)],
    }
    (HERE / "classification.json").write_text(json.dumps(written) + "\n")


if __name__ == "__main__":
    main()
