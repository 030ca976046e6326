"""Step 4: the learning-rate range test, and its suggestion as a controlled experiment."""

from __future__ import annotations

import numpy as np

from trainwell.improve.remedies import experiment
from trainwell.improve.session import TUNING, Session
from trainwell.tune import lr_range

_SHARE = 0.15  # of the time before the proof
_RATES = 25
_FEWEST_STEPS, _MOST_STEPS = 20, 200


def learning_rate_step(session: Session) -> None:
    """Run the range test and try its suggestion."""
    session.begin("learning-rate")
    if not hasattr(session.recipe.optimizer, "lr"):
        session.log("Learning rate", skipped=f"{session.recipe.optimizer.name} has no learning rate.")
        return
    assert session.horizon is not None
    seconds = _SHARE * session.search_time_left
    total_steps = session.start.steps or round(session.record.epochs * _steps_per_epoch(session))
    per_step = session.run_seconds / max(1, total_steps)
    steps = int(
        np.clip(seconds / (_RATES * per_step), _FEWEST_STEPS, min(_MOST_STEPS, max(_FEWEST_STEPS, total_steps)))
    )
    end = session.budget.spent + 1.5 * seconds
    current = session.recipe.optimizer.lr
    # A tenth of a decade up to a hundred times either way of the usual range, on a grid that holds no special rate.
    rates = np.geomspace(min(1e-6, current / 10), max(10.0, current * 10), _RATES)
    test = lr_range(
        session.problem,
        session.recipe,
        seeds=session.seeds(TUNING, 1),
        rates=rates.tolist(),
        steps=steps,
        listener=lambda done, of: session.tell(0.8 * done / of, f"range test, rate {done} of {of}"),
        out_of_time=lambda: session.budget.spent > end,
    )
    session.update(rate_test=test)
    if test.suggestion is None or test.interval is None:
        session.log(
            "Learning-rate range test", tried=f"{len(test.rates)} rates, {steps} steps each.", decision=test.reason
        )
        return
    inside = test.interval[0] <= current <= test.interval[1]
    session.log(
        "Learning-rate range test",
        tried=f"{len(test.rates)} constant rates from {test.rates[0]:.2g} to {test.rates[-1]:.2g}, {steps} steps each.",
        seen=f"Suggested {test.suggestion:.3g} (as good: {test.interval[0]:.2g} to {test.interval[1]:.2g}); "
        f"{test.reason}.",
        decision=f"The present rate {current:.3g} is among the good ones: keep it, the search looks closer."
        if inside
        else f"The present rate {current:.3g} lies outside of {test.interval[0]:.2g} to "
        f"{test.interval[1]:.2g}: try {test.suggestion:.3g}.",
    )
    if not inside:
        experiment(
            session, "Learning rate of the range test", {"optimizer.lr": float(f"{test.suggestion:.3g}")}, of=(8, 10)
        )


def _steps_per_epoch(session: Session) -> int:
    return session.baseline[0].info.steps_per_epoch if session.baseline else 1
