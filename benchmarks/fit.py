"""Time of an epoch of `trainwell.fit` against loops written by hand and other trainers.

    python benchmarks/fit.py --data ../shared/data [--case digits spambase mnist] [--rounds 5] [--table FILE]

Every contender trains the same model on the same data with AdamW and evaluates the validation split after each epoch
(loss and accuracy). What counts is the processor's time of an epoch on one thread, from one end of an epoch to the
next, so that start-up is apart and other work on the machine counts little. Contenders take turns, with the hand-tuned
loop before and after each, because the speed of a shared machine changes within a minute; a ratio is the median over
the rounds of (median epoch of the contender / mean of the two median epochs of the hand-tuned loop around it).

- hand-tuned: tensors in memory, one index permutation an epoch, `AdamW(fused=True)`, only the mean loss kept.
- plain loop: `DataLoader(TensorDataset)`, AdamW as it comes, `loss.item()` at every step, as tutorials write it.
- fit: `trainwell.fit` with all its defaults: loss and rate of every step, gradient norms, update ratios, evaluation of
  validation and training split, best weights.
- fit, compiled: the same with precision.compile = step.
- the others where they are installed (benchmarks/requirements-fit.txt), quiet: no progress bar, logger or checkpoint.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from trainwell.problem import Problem, load_problem
from trainwell.recipe import Recipe

Mark = Callable[[], None]
RATE = 1e-3
FIRST = 2  # epochs that do not count: start-up, compilation, a measurement of the layout


@dataclass
class Case:
    """A workload: problem, recipe, and the splits as tensors that the model takes."""

    problem: Problem
    recipe: Recipe
    epochs: int
    train: tuple[Tensor, Tensor]
    val: tuple[Tensor, Tensor]

    @property
    def batch_size(self) -> int:
        return self.recipe.batch_size

    def model(self) -> nn.Module:
        torch.manual_seed(0)
        return self.problem.build(self.recipe.model)


def load(name: str, data: Path) -> Case:
    problem = load_problem(name, data)
    recipe, epochs = {
        "digits": (Recipe(batch_size=64, model={"width": 128, "depth": 1}), 22),
        "spambase": (
            Recipe(
                batch_size=128,
                inputs={"scaling": "standardize"},
                model={"width": 128, "depth": 2, "norm": "batch", "dropout": 0.2},
            ),
            12,
        ),
        "mnist": (Recipe(batch_size=128), 5),
    }[name]
    recipe = recipe.with_({"optimizer.lr": RATE, "optimizer.weight_decay": 0.01})
    splits = [problem.train, problem.val]
    x, y = splits[0].inputs, splits[0].targets
    center, spread = (x.mean(0), x.std(0)) if recipe.inputs.scaling == "standardize" else (0.0, 1.0)
    tensors = [((s.inputs - center) / spread, s.targets) for s in splits]
    assert len(x) == len(y)
    return Case(problem, recipe, epochs, tensors[0], tensors[1])


def judge(model: nn.Module, case: Case) -> tuple[float, float]:
    """Loss and accuracy of the validation split."""
    model.eval()
    with torch.no_grad():
        scores = model(case.val[0])
        loss = F.cross_entropy(scores, case.val[1]).item()
        right = (scores.argmax(1) == case.val[1]).float().mean().item()
    model.train()
    return loss, right


def hand_tuned(case: Case, epochs: int, mark: Mark) -> None:
    x, y = case.train
    model, size = case.model(), case.batch_size
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        total = torch.zeros(())
        for start in range(0, len(x), size):
            chosen = order[start : start + size]
            loss = F.cross_entropy(model(x[chosen]), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        judge(model, case)
        mark()


def plain_loop(case: Case, epochs: int, mark: Mark) -> None:
    loader = DataLoader(TensorDataset(*case.train), batch_size=case.batch_size, shuffle=True)
    held = DataLoader(TensorDataset(*case.val), batch_size=case.batch_size)
    model = case.model()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    for _ in range(epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        right, lost = 0, 0.0
        with torch.no_grad():
            for xb, yb in held:
                scores = model(xb)
                lost += criterion(scores, yb).item() * len(xb)
                right += (scores.argmax(1) == yb).sum().item()
        mark()


def _fit(case: Case, epochs: int, mark: Mark, changes: dict[str, Any]) -> None:
    from trainwell.train import Callback, fit

    class Marks(Callback):
        def on_epoch(self, training: Any) -> None:
            mark()

    recipe = case.recipe.with_({"epochs": epochs, "precision.threads": 1, **changes})
    fit(case.problem, recipe, callbacks=[Marks()])


def fit_eager(case: Case, epochs: int, mark: Mark) -> None:
    _fit(case, epochs, mark, {})


def fit_compiled(case: Case, epochs: int, mark: Mark) -> None:
    _fit(case, epochs, mark, {"precision.compile": "step"})


def fit_folder(case: Case, epochs: int, mark: Mark) -> None:
    from trainwell.train import Callback, fit

    class Marks(Callback):
        def on_epoch(self, training: Any) -> None:
            mark()

    with tempfile.TemporaryDirectory() as folder:
        recipe = case.recipe.with_({"epochs": epochs, "precision.threads": 1})
        fit(case.problem, recipe, folder=Path(folder) / "run", callbacks=[Marks()])


def lightning(case: Case, epochs: int, mark: Mark) -> None:
    import lightning as L

    for name in ("lightning", "lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = case.model()

        def training_step(self, batch: Any, index: int) -> Tensor:
            return F.cross_entropy(self.model(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            scores = self.model(batch[0])
            self.log("val_loss", F.cross_entropy(scores, batch[1]))
            self.log("val_accuracy", (scores.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=RATE)

    class Marks(L.Callback):
        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            mark()

    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, callbacks=[Marks()],
    )  # fmt: skip
    loaders = [
        DataLoader(TensorDataset(*s), case.batch_size, shuffle=i == 0) for i, s in enumerate((case.train, case.val))
    ]
    trainer.fit(Module(), *loaders)


def skorch(case: Case, epochs: int, mark: Mark) -> None:
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Callback
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    class Marks(Callback):
        def on_epoch_end(self, net: Any, **_: Any) -> None:
            mark()

    net = NeuralNetClassifier(
        case.model(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.AdamW, lr=RATE, max_epochs=epochs,
        batch_size=case.batch_size, iterator_train__shuffle=True, train_split=predefined_split(Dataset(*case.val)),
        callbacks=[Marks()], callbacks__print_log=None, verbose=0,
    )  # fmt: skip
    net.fit(*case.train)


def ignite(case: Case, epochs: int, mark: Mark) -> None:
    from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
    from ignite.metrics import Accuracy, Loss

    model = case.model()
    criterion = nn.CrossEntropyLoss()
    trainer = create_supervised_trainer(model, torch.optim.AdamW(model.parameters(), lr=RATE), criterion)
    evaluator = create_supervised_evaluator(model, metrics={"accuracy": Accuracy(), "loss": Loss(criterion)})
    loader = DataLoader(TensorDataset(*case.train), case.batch_size, shuffle=True)
    held = DataLoader(TensorDataset(*case.val), case.batch_size)

    @trainer.on(Events.EPOCH_COMPLETED)
    def _(engine: Any) -> None:
        evaluator.run(held)
        mark()

    trainer.run(loader, max_epochs=epochs)


def accelerate(case: Case, epochs: int, mark: Mark) -> None:
    from accelerate import Accelerator

    model = case.model()
    accelerator = Accelerator(cpu=True)
    model, optimizer, loader, held = accelerator.prepare(
        model,
        torch.optim.AdamW(model.parameters(), lr=RATE),
        DataLoader(TensorDataset(*case.train), case.batch_size, shuffle=True),
        DataLoader(TensorDataset(*case.val), case.batch_size),
    )
    for _ in range(epochs):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            accelerator.backward(F.cross_entropy(model(xb), yb))
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for xb, yb in held:
                scores = accelerator.gather_for_metrics(model(xb))
                F.cross_entropy(scores, yb).item()
                (scores.argmax(1) == yb).sum().item()
        mark()


def transformers(case: Case, epochs: int, mark: Mark) -> None:
    from transformers import Trainer, TrainerCallback, TrainingArguments
    from transformers.utils import logging as hf_logging

    hf_logging.set_verbosity_error()

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = case.model()

        def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
            scores = self.model(x)
            return {"loss": F.cross_entropy(scores, labels), "logits": scores}

    class Rows(torch.utils.data.Dataset[dict[str, Tensor]]):
        def __init__(self, split: tuple[Tensor, Tensor]) -> None:
            self.split = split

        def __len__(self) -> int:
            return len(self.split[0])

        def __getitem__(self, index: int) -> dict[str, Tensor]:
            return {"x": self.split[0][index], "labels": self.split[1][index]}

    class Marks(TrainerCallback):
        def on_evaluate(self, *_: Any, **__: Any) -> None:
            mark()

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=epochs, per_device_train_batch_size=case.batch_size,
            per_device_eval_batch_size=case.batch_size, learning_rate=RATE, eval_strategy="epoch", save_strategy="no",
            report_to=[], disable_tqdm=True, use_cpu=True, dataloader_pin_memory=False, logging_strategy="no",
        )  # fmt: skip
        trainer = Trainer(
            model=Wrapped(), args=arguments, train_dataset=Rows(case.train), eval_dataset=Rows(case.val),
            compute_metrics=lambda e: {"accuracy": float((e.predictions.argmax(1) == e.label_ids).mean())},
            callbacks=[Marks()],
        )  # fmt: skip
        trainer.train()


CONTENDERS: dict[str, tuple[Callable[[Case, int, Mark], None], str]] = {
    "hand-tuned": (hand_tuned, "torch"),
    "plain loop": (plain_loop, "torch"),
    "fit": (fit_eager, "trainwell"),
    "fit, in a folder": (fit_folder, "trainwell"),
    "fit, compiled": (fit_compiled, "trainwell"),
    "ignite": (ignite, "ignite"),
    "skorch": (skorch, "skorch"),
    "accelerate": (accelerate, "accelerate"),
    "lightning": (lightning, "lightning"),
    "transformers": (transformers, "transformers"),
}


def epoch_seconds(name: str, case: Case) -> float:
    """Median processor time of the epochs after the first ones. [s]"""
    times = [time.process_time()]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        CONTENDERS[name][0](case, case.epochs, lambda: times.append(time.process_time()))
    return median(b - a for a, b in zip(times[FIRST:], times[FIRST + 1 :], strict=False))


def cost_of_start(name: str, data: Path) -> tuple[float, float]:
    """Seconds of import beyond torch's, and most memory of a short run on digits, in a process of its own. [s], [MB]"""
    package = CONTENDERS[name][1]
    code = (
        "import time, torch; begin = time.process_time(); "
        + {"trainwell": "import trainwell.train", "torch": "pass"}.get(package, f"import {package}")
        + "; print(time.process_time() - begin)"
    )
    seconds = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(2)
    )
    run = [sys.executable, __file__, "--data", str(data), "--memory-of", name]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    return seconds, float(done.stdout.split()[-1])


def peak_memory() -> float:
    """Peak of this process's memory. [MB] The system's own peak: `ru_maxrss` would start at that of the parent."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--case", nargs="+", default=["digits", "spambase", "mnist"])
    parser.add_argument("--only", nargs="+", choices=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-start", action="store_true", help="leave import time and memory out")
    parser.add_argument("--table", type=Path, help="write the table to this file too")
    parser.add_argument("--memory-of", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory_of:
        case = load("digits", options.data)
        case.epochs = 4
        epoch_seconds(options.memory_of, case)
        print(peak_memory())
        return
    there = [n for n in CONTENDERS if find_spec(CONTENDERS[n][1]) and (not options.only or n in options.only)]
    if "hand-tuned" not in there:
        there.insert(0, "hand-tuned")
    ratios: dict[str, dict[str, str]] = {name: {} for name in there}
    for title in options.case:
        case = load(title, options.data)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in there}
        for _ in range(options.rounds):
            before = epoch_seconds("hand-tuned", case)
            for name in there:
                own = epoch_seconds(name, case)
                after = epoch_seconds("hand-tuned", case)
                found[name].append((own, (before + after) / 2))
                before = after
        for name, pairs in found.items():
            ratio = median(own / hand for own, hand in pairs)
            ratios[name][title] = f"{ratio:.2f} ({median(own for own, _ in pairs) * 1e3:.1f} ms)"
            print(title, name, ratios[name][title], flush=True)
    lines = ["| contender | " + " | ".join(options.case) + " | import [s] | memory [MB] |"]
    lines += ["|---|" + "---|" * (len(options.case) + 2)]
    for name in there:
        start = ("", "") if options.no_start else tuple(f"{v:.1f}" for v in cost_of_start(name, options.data))
        lines.append(f"| {name} | " + " | ".join([*ratios[name].values(), *start]) + " |")
    print("\n".join(lines))
    if options.table:
        options.table.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
