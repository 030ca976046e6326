# character language model on generated "words"
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(33)
syll = ["ka", "to", "mi", "re", "su", "no", "ha", "li"]
g = torch.Generator().manual_seed(33)
text = " ".join(
    "".join(syll[int(i)] for i in torch.randint(len(syll), (int(n),), generator=g))
    for n in torch.randint(1, 4, (3000,), generator=g)
)
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
cut = int(0.9 * len(ids))
train_ids, val_ids = ids[:cut], ids[cut:]
T, B = 24, 32


def get_batch(src):
    at = torch.randint(len(src) - T - 1, (B,))
    x = torch.stack([src[a:a + T] for a in at])
    y = torch.stack([src[a + 1:a + T + 1] for a in at])
    return x, y


class CharGRU(nn.Module):
    def __init__(self, vocab, d=32, h=64):
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.gru = nn.GRU(d, h, batch_first=True)
        self.head = nn.Linear(h, vocab)

    def forward(self, x):
        h, _ = self.gru(self.embed(x))
        return F.log_softmax(self.head(h), dim=1)


lm = CharGRU(len(chars))
opt = torch.optim.AdamW(lm.parameters(), lr=4e-3)
for step in range(300):
    lm.train()
    x, y = get_batch(train_ids)
    logp = lm(x)
    loss = F.nll_loss(logp.flatten(0, 1), y.flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 60 == 59:
        lm.eval()
        with torch.no_grad():
            x, y = get_batch(val_ids)
            out = lm(x)
            vl = F.nll_loss(out.flatten(0, 1), y.flatten()).item()
            acc = (out.argmax(-1) == y).float().mean().item()
        print(f"step {step + 1} train {loss.item():.3f} val {vl:.3f} next-char acc {acc:.3f}")
