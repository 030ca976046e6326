"""Callbacks of other trainers: three lines, and the fault is named."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries
torch.manual_seed(0)
X = torch.randn(160, 6)
Y = (X[:, 0] > 0).long()


def test_lightning_names_a_doubled_softmax(tmp_path):
    lightning = pytest.importorskip("lightning")
    from trainwell.check.lightning_callback import WatchCallback

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(1))

        def training_step(self, batch, index):
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    watch = WatchCallback()
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(max_epochs=1, callbacks=[watch], default_root_dir=tmp_path, **quiet)
    trainer.fit(Module(), DataLoader(TensorDataset(X, Y), 16))
    assert "double-softmax" in [finding.rule for finding in watch.findings]
    assert "missing-zero-grad" not in [finding.rule for finding in watch.findings]


def test_the_trainer_of_transformers_is_watched(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from trainwell.check.transformers_callback import WatchCallback

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(6, 8), nn.Linear(8, 2)

        def forward(self, x, labels=None):
            scores = self.head(self.body(x).relu()).softmax(1)
            return {"loss": F.cross_entropy(scores, labels), "logits": scores}

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, index):
            return {"x": X[index], "labels": Y[index]}

    watch = WatchCallback()
    options = {"report_to": [], "use_cpu": True, "save_strategy": "no", "disable_tqdm": True, "num_train_epochs": 1}
    arguments = transformers.TrainingArguments(output_dir=str(tmp_path), **options)
    transformers.Trainer(Net(), arguments, train_dataset=Rows(), callbacks=[watch]).train()
    found = [finding.rule for finding in watch.findings]
    assert "double-softmax" in found
    assert "missing-zero-grad" not in found
