import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
rng = np.random.default_rng(31)

VOCAB, PAD, MAXLEN = 120, 0, 24
good, bad = np.arange(1, 16), np.arange(16, 31)


def write_review(label):
    n = rng.integers(10, MAXLEN + 1)
    words = rng.integers(31, VOCAB, n)
    key = good if label else bad
    pos = rng.choice(n, 3, replace=False)
    words[pos] = rng.choice(key, 3)
    if rng.random() < 0.3:
        words[rng.integers(n)] = rng.choice(bad if label else good)
    out = np.full(MAXLEN, PAD)
    out[:n] = words
    return out, n


def make(n):
    y = rng.integers(0, 2, n)
    rows = [write_review(v) for v in y]
    x = torch.tensor(np.stack([r[0] for r in rows]))
    lens = torch.tensor([r[1] for r in rows])
    return TensorDataset(x, lens, torch.tensor(y, dtype=torch.float32))


class SentimentLSTM(nn.Module):
    def __init__(self, emb_dim=24, hidden=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, emb_dim, padding_idx=PAD)
        self.lstm = nn.LSTM(emb_dim, hidden, batch_first=True)
        self.fc1 = nn.Linear(hidden, 32)
        self.fc2 = nn.Linear(32, 1)

    def pool(self, states, lens):
        h = states.detach().numpy()
        pooled = np.stack([h[i, :n].max(axis=0) for i, n in enumerate(lens.tolist())])
        return torch.from_numpy(pooled)

    def forward(self, x, lens):
        states, _ = self.lstm(self.emb(x))
        h = torch.relu(self.fc1(self.pool(states, lens)))
        return self.fc2(h).squeeze(-1)


train_loader = DataLoader(make(1500), batch_size=30, shuffle=True)
test_loader = DataLoader(make(400), batch_size=200)
model = SentimentLSTM()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(1, 9):
    model.train()
    tot = 0.0
    for x, lens, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x, lens), y)
        loss.backward()
        optimizer.step()
        tot += loss.item()
    model.eval()
    hit = 0
    with torch.no_grad():
        for x, lens, y in test_loader:
            hit += ((model(x, lens) > 0).float() == y).sum().item()
    print("Epoch", epoch, "loss", round(tot / len(train_loader), 4), "test acc", hit / len(test_loader.dataset))
