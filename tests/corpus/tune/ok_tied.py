import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

text = torch.randint(0, 20, (4000,))
for i in range(1, 4000):
    text[i] = (text[i - 1] * 3 + 1) % 20 if i % 3 else text[i]


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.rnn = nn.GRU(16, 16, batch_first=True)
        self.out = nn.Linear(16, 20)
        self.out.weight = self.embed.weight

    def forward(self, x):
        h, _ = self.rnn(self.embed(x))
        return self.out(h)


model = LM()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
for start in range(0, 3200, 32 * 4):
    rows = torch.stack([text[start + 16 * k : start + 16 * k + 17] for k in range(8)])
    logits = model(rows[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, 20), rows[:, 1:].reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
print(loss.item())
