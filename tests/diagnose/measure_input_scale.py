"""What input scale costs: the best validation accuracy over a grid of rates, by the scale of standardised inputs.

Not a test; run by hand: `python tests/diagnose/measure_input_scale.py`. Written down in the page of `unscaled-inputs`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from sklearn import datasets

from trainwell.problem import Problem, models
from trainwell.recipe import Recipe
from trainwell.train import fit

SCALES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
RATES = {"sgd": (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0), "adamw": (1e-4, 1e-3, 1e-2, 1e-1)}
DEFAULTS = {"sgd": 1e-1, "adamw": 1e-3}


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'data':8}{'optimizer':10}{'scale':>7}{'best over rates':>17}{'at default rate':>17}")
    for name, loader in (("digits", datasets.load_digits), ("cancer", datasets.load_breast_cancer)):
        X, y = loader(return_X_y=True)
        X = (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1)
        for optimizer, rates in RATES.items():
            for scale in SCALES:
                model = partial(models.mlp, inputs=X.shape[1], outputs=int(y.max()) + 1, width=64)
                problem = Problem(model, (scale * X, y), val=0.3, test=0.1, name=name)
                means = {}
                for rate in rates:
                    recipe = Recipe(epochs=10, optimizer={"name": optimizer, "lr": rate})
                    means[rate] = np.mean([fit(problem, recipe, seed=seed).best_metric() for seed in range(3)])
                best, usual = max(means.values()), means[DEFAULTS[optimizer]]
                print(f"{name:8}{optimizer:10}{scale:7g}{best:17.3f}{usual:17.3f}")


if __name__ == "__main__":
    main()
