"""Which of four opening symbols started the sequence? GRU on one-hot frames."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(50)


def sequences(n, t=14, k=8):
    body = torch.randint(4, k, (n, t))
    label = torch.randint(4, (n,))
    body[:, 0] = label
    return F.one_hot(body, k).float(), label


class Reader(nn.Module):
    def __init__(self, k=8, h=48, classes=4):
        super().__init__()
        self.gru = nn.GRU(k, h)
        self.fc = nn.Linear(h, classes)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.fc(out[:, -1])


train = DataLoader(TensorDataset(*sequences(2000)), batch_size=50, shuffle=True)
test = DataLoader(TensorDataset(*sequences(500)), batch_size=50)
reader = Reader()
optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)

for epoch in range(5):
    reader.train()
    total = 0.0
    for x, y in train:
        loss = F.cross_entropy(reader(x), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    reader.eval()
    with torch.no_grad():
        acc = sum((reader(x).argmax(1) == y).sum().item() for x, y in test) / 500
    print(f"epoch {epoch + 1}  loss {total / len(train):.3f}  accuracy {acc:.3f}")
