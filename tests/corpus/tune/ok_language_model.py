import torch
from torch import nn

torch.manual_seed(0)
text = ("the quick brown fox jumps over the lazy dog and the cat sat on the mat while a zebra xylophone " * 30)
letters = sorted(set(text))
codes = torch.tensor([letters.index(c) for c in text])


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(len(letters), 16)
        self.memory = nn.GRU(16, 32, batch_first=True)
        self.head = nn.Linear(32, len(letters))

    def forward(self, tokens):
        return self.head(self.memory(self.table(tokens))[0])


reader = Reader()
optimizer = torch.optim.AdamW(reader.parameters(), lr=5e-3)
for step in range(80):
    at = torch.randint(0, len(codes) - 33, (16,))
    x = torch.stack([codes[i : i + 32] for i in at])
    y = torch.stack([codes[i + 1 : i + 33] for i in at])
    scores = reader(x)
    loss = nn.functional.cross_entropy(scores.reshape(-1, len(letters)), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, loss.item())
