"""A callback for Lightning's Trainer that watches the training and says what is wrong with it.

from trainwell.check.lightning_callback import WatchCallback
watch = WatchCallback()
Trainer(callbacks=[watch]).fit(module, data)  # then: watch.report()
"""

from __future__ import annotations

import logging
from typing import Any

from trainwell.check.watching import Watcher
from trainwell.errors import MissingExtraError

try:
    from lightning.pytorch import Callback
except ImportError as error:
    raise MissingExtraError("lightning", "lightning") from error

_log = logging.getLogger("trainwell")


class WatchCallback(Callback):  # type: ignore[misc, unused-ignore]
    """Observes `fit`; afterwards `findings` and `report()` say what was found, and alarms are logged.

    Args:
        options: `select` and `ignore`, as of `watch`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._watcher: Watcher | None = None
        self._running = False

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to observe, with the module and the optimizers that are there already."""
        self._watcher = Watcher(pl_module, list(trainer.optimizers), **self._options)
        self._watcher.__enter__()
        self._running = True

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop, and log what is wrong."""
        self._stop(None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Stop; what was found so far stays."""
        self._stop(type(exception))

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
