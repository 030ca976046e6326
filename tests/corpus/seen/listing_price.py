"""Price of a listing from a short description (token ids) and tabular facts."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LEN = 120, 10


def build(n, seed):
    r = np.random.default_rng(seed)
    word_value = np.random.default_rng(99).normal(0, 1, VOCAB)
    tok = r.integers(0, VOCAB, (n, LEN))
    tab = r.normal(size=(n, 5))
    y = word_value[tok].mean(1) * 2.0 + 0.8 * tab[:, 0] - 0.5 * tab[:, 1] * tab[:, 2] + r.normal(0, 0.2, n)
    return TensorDataset(torch.tensor(tok), torch.tensor(tab, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


class TextEncoder(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, d)
        self.lin = nn.Linear(d, d)
        self.cache = {}

    def forward(self, tok):
        return torch.relu(self.lin(self.emb(tok).mean(1)))

    def encode(self, tok):
        vec = self(tok).detach()
        self.cache["last"] = vec
        return vec


class Pricer(nn.Module):
    def __init__(self):
        super().__init__()
        self.text = TextEncoder()
        self.tab = nn.Sequential(nn.Linear(5, 32), nn.ReLU())
        self.out = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, tok, tab):
        return self.out(torch.cat([self.text.encode(tok), self.tab(tab)], dim=1)).squeeze(1)


torch.manual_seed(12)
train, test = build(3000, 1), build(600, 2)
model = Pricer()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    seen, total = 0, 0.0
    for tok, tab, y in DataLoader(train, 64, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.huber_loss(model(tok, tab), y)
        loss.backward()
        opt.step()
        total += loss.item() * len(y)
        seen += len(y)
    model.eval()
    with torch.no_grad():
        tok, tab, y = test.tensors
        mae = (model(tok, tab) - y).abs().mean().item()
    print(f"{epoch:02d} train {total / seen:.4f} test MAE {mae:.4f}")
