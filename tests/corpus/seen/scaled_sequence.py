import logging
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

logger = logging.getLogger(__name__)
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


class Motifs(Dataset):
    """DNA-like strings; the class is the motif hidden somewhere inside."""
    MOTIFS = torch.tensor([[0, 1, 2, 3], [3, 3, 1, 0], [2, 0, 2, 1], [1, 1, 3, 2]])

    def __init__(self, n, seed, length=30):
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(4, (n,), generator=g)
        self.s = torch.randint(4, (n, length), generator=g)
        pos = torch.randint(length - 4, (n,), generator=g)
        for i in range(n):
            self.s[i, pos[i]:pos[i] + 4] = self.MOTIFS[self.y[i]]

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return nn.functional.one_hot(self.s[i], 4).float().T, self.y[i]


class MotifNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 32, 4)
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).amax(-1))


class MixedPrecisionRunner:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.scaler = torch.amp.GradScaler("cpu")

    def train_batch(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            logits = self.model(x)
        loss = nn.functional.cross_entropy(logits.float(), y)
        self.scaler.scale(loss).backward()
        self.optimizer.step()
        return loss.item()


def main():
    torch.manual_seed(31)
    train = DataLoader(Motifs(1600, 1), batch_size=32, shuffle=True)
    val = DataLoader(Motifs(400, 2), batch_size=100)
    runner = MixedPrecisionRunner(MotifNet(), 5e-3)
    for ep in range(6):
        runner.model.train()
        losses = [runner.train_batch(x, y) for x, y in train]
        runner.model.eval()
        with torch.no_grad():
            ok = sum((runner.model(x).argmax(1) == y).sum().item() for x, y in val)
        logger.info("epoch %d loss %.3f acc %.3f", ep, sum(losses) / len(losses), ok / 400)


if __name__ == "__main__":
    main()
