import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset

GRAD_CLIP = 0.002


class Counting(IterableDataset):
    """Binary strings; target is the number of ones."""

    def __init__(self, size, length, seed):
        self.size, self.length, self.seed = size, length, seed
        self.epoch = 0

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed + 1000 * self.epoch)
        for _ in range(self.size):
            p = torch.rand(1, generator=g)
            bits = (torch.rand(self.length, generator=g) < p).float()
            yield bits.unsqueeze(1), (bits.sum() / self.length - 0.5) * 3.4


class Accumulator(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.head(h[-1]).squeeze(1)


def backward_and_step(loss, model, optimizer):
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), GRAD_CLIP)
    optimizer.step()
    return norm


torch.manual_seed(50)
train = Counting(1600, 16, seed=1)
valid = Counting(400, 16, seed=500000)
model = Accumulator()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.MSELoss()

for epoch in range(8):
    train.epoch = epoch
    model.train()
    tot = n = 0
    for x, y in DataLoader(train, batch_size=32):
        loss = criterion(model(x), y)
        backward_and_step(loss, model, optimizer)
        tot += loss.item()
        n += 1
    model.eval()
    with torch.no_grad():
        errs = [criterion(model(x), y).item() for x, y in DataLoader(valid, batch_size=200)]
    print(f"epoch {epoch + 1} | train mse {tot / n:.4f} | valid mse {sum(errs) / len(errs):.4f}")
