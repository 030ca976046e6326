import torch, torch.nn as nn

torch.manual_seed(0)
text = "the quick brown fox jumps over the lazy dog. " * 60
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])


class LM(nn.Module):
    def __init__(self, v):
        super().__init__()
        self.emb = nn.Embedding(v, 24)
        self.rnn = nn.GRU(24, 48, batch_first=True)
        self.out = nn.Linear(48, v)

    def forward(self, x, h=None):
        o, h = self.rnn(self.emb(x), h)
        return self.out(o), h


m = LM(len(chars))
opt = torch.optim.Adam(m.parameters(), 3e-3)
for s in range(120):
    i = torch.randint(0, 2000, (16,))
    x = torch.stack([ids[k : k + 30] for k in i])
    y = torch.stack([ids[k + 1 : k + 31] for k in i])
    logits, _ = m(x)
    l = nn.functional.cross_entropy(logits.reshape(-1, len(chars)), y.reshape(-1))
    opt.zero_grad()
    l.backward()
    nn.utils.clip_grad_norm_(m.parameters(), 1.0)
    opt.step()
m.eval()
x = ids[:1][None]
h = None
out = []
with torch.no_grad():
    for _ in range(40):
        lg, h = m(x, h)
        x = torch.multinomial(lg[:, -1].softmax(-1), 1)
        out.append(chars[x.item()])
print("".join(out))
