"""What points of a space may be worth, judged by those that were tried: a Gaussian process and draws from it."""

from __future__ import annotations

import warnings

import numpy as np

# The time stays bounded: of more points half are the best, half every so-many-th of the others by rank.
_FITTED = 64  # points that lengths and noise are fitted to
_KNOWN = 256  # points that the process is conditioned on
_LENGTHS = 0.2, 5.0  # in widths of the unit cube
_AMPLITUDE = 0.1, 10.0
_NOISE = 1e-2, 1.0  # variance, in units of that of the scores
_JITTER = 1e-6


class Surrogate:
    """A Gaussian process with a length of its own for each axis (Matern 5/2; Snoek et al. 2012).

    Args:
        positions: Of points in the unit cube, best first, float (N, D).
        scores: Of the points, higher is better, float (N,).
    """

    def __init__(self, positions: np.ndarray, scores: np.ndarray) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        lengths = np.full(positions.shape[1], 0.7)
        kernel = ConstantKernel(1.0, _AMPLITUDE) * Matern(lengths, _LENGTHS, nu=2.5) + WhiteKernel(0.1, _NOISE)
        some, known = _some(len(scores), _FITTED), _some(len(scores), _KNOWN)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a length at its limit only says that an axis hardly counts
            fitted = GaussianProcessRegressor(kernel, normalize_y=True).fit(positions[some], scores[some])
            self._process = GaussianProcessRegressor(fitted.kernel_, optimizer=None, normalize_y=True)
            self._process.fit(positions[known], scores[known])
        noise = float(fitted.kernel_.k2.noise_level)
        self._noise = noise * float(np.std(scores[known])) ** 2

    def choose(self, positions: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
        """Which of some points to try: each is the best of a draw of its own from what is believed of them.

        Args:
            positions: Of the candidates, float (M, D), M >= count.

        Source:
            Thompson sampling in batches: Kandasamy et al. 2018.
        """
        mean, covariance = self._process.predict(positions, return_cov=True)
        own = np.eye(len(positions))
        root = np.linalg.cholesky(covariance - (self._noise - _JITTER * covariance.max()) * own)
        chosen: list[int] = []
        for _ in range(count):
            drawn = mean + root @ rng.standard_normal(len(positions))
            drawn[chosen] = -np.inf
            chosen.append(int(np.argmax(drawn)))
        return chosen


def _some(count: int, most: int) -> np.ndarray:
    """Indices of so many at most: the first half of them, and of the others some that are spread evenly."""
    if count <= most:
        return np.arange(count)
    return np.concatenate([np.arange(most // 2), np.linspace(most // 2, count - 1, most - most // 2).astype(int)])
