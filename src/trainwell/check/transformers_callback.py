"""A callback for the Trainer of transformers that watches the training and says what is wrong with it.

from trainwell.check.transformers_callback import WatchCallback
watch = WatchCallback()
Trainer(..., callbacks=[watch]).train()  # then: watch.report()
"""

from __future__ import annotations

import logging
from typing import Any

from trainwell.check.watching import Watcher
from trainwell.errors import MissingExtraError

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise MissingExtraError("transformers", "transformers") from error

_log = logging.getLogger("trainwell")


class WatchCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Observes `train`; afterwards `findings` and `report()` say what was found, and alarms are logged.

    Args:
        options: `select` and `ignore`, as of `watch`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._watcher: Watcher | None = None
        self._running = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin to observe, with the model and the optimizer that are there already."""
        optimizer = kwargs.get("optimizer")
        inner = getattr(optimizer, "optimizer", optimizer)
        self._watcher = Watcher(kwargs.get("model"), inner, **self._options)
        self._watcher.__enter__()
        self._running = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop, and log what is wrong."""
        self._stop(None)

    def _stop(self, kind: type[BaseException] | None) -> None:
        if self._watcher is None or not self._running:
            return
        self._running = False
        self._watcher.__exit__(kind, None, None)
        if any(finding.is_alarm for finding in self.findings):
            _log.warning("%s", self.report())

    @property
    def findings(self) -> list[Any]:
        """What is wrong, the most important first."""
        return [] if self._watcher is None else self._watcher.findings

    def report(self) -> str:
        """The findings as text."""
        return "" if self._watcher is None else self._watcher.report()
