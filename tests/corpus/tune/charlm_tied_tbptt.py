"""Character LM on generated grammar text. Tied embeddings, stateful truncated BPTT, embedding dropout by hand."""
import math, random
import torch
import torch.nn as nn

random.seed(0); torch.manual_seed(0)
N = ["cat", "dog", "bird", "king", "child", "robot"]
A = ["old", "small", "happy", "green"]
V = ["sees", "likes", "follows", "ignores"]
P = ["near", "under", "behind"]


def sentence():
    def np_():
        return "the " + (random.choice(A) + " " if random.random() < .5 else "") + random.choice(N)
    s = np_() + " " + random.choice(V) + " " + np_()
    if random.random() < .4:
        s += " " + random.choice(P) + " " + np_()
    return s + ". "


text = "".join(sentence() for _ in range(2600))
vocab = sorted(set(text))
ids = torch.tensor([vocab.index(c) for c in text])
cut = int(0.85 * len(ids))


def batchify(x, b):
    n = len(x) // b
    return x[: n * b].view(b, n)


train, valid = batchify(ids[:cut], 16), batchify(ids[cut:], 8)


class LM(nn.Module):
    def __init__(self, v, d=64):
        super().__init__()
        self.emb = nn.Embedding(v, d)
        nn.init.normal_(self.emb.weight, std=0.1)
        self.rnn = nn.LSTM(d, d, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.dec = nn.Linear(d, v)
        self.dec.weight = self.emb.weight
        nn.init.zeros_(self.dec.bias)

    def forward(self, x, h):
        w = self.emb.weight
        if self.training:
            keep = torch.bernoulli(torch.full((len(w), 1), 0.98)) / 0.98
            w = w * keep
        o, h = self.rnn(self.drop(nn.functional.embedding(x, w)), h)
        return self.dec(self.drop(o)), h


def detach(h):
    return tuple(t.detach() for t in h)


model = LM(len(vocab))
opt = torch.optim.Adam(model.parameters(), lr=6e-3)
BPTT, EPOCHS = 40, 3
S = EPOCHS * ((train.shape[1] - 2) // BPTT + 1)
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=S)
for ep in range(EPOCHS):
    model.train()
    h = (torch.zeros(1, 16, 64), torch.zeros(1, 16, 64))
    tot = cnt = 0
    for i in range(0, train.shape[1] - 1, BPTT):
        x = train[:, i:i + BPTT][:, :train.shape[1] - 1 - i]
        y = train[:, i + 1:i + 1 + BPTT]
        out, h = model(x[:, :y.shape[1]], detach(h))
        loss = nn.functional.cross_entropy(out.flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        tot += loss.item() * y.numel(); cnt += y.numel()
    model.eval()
    with torch.no_grad():
        h = (torch.zeros(1, 8, 64), torch.zeros(1, 8, 64))
        v = n = 0
        for i in range(0, valid.shape[1] - 1, 200):
            y = valid[:, i + 1:i + 201]
            out, h = model(valid[:, i:i + y.shape[1]], h)
            v += nn.functional.cross_entropy(out.flatten(0, 1), y.flatten(), reduction="sum").item(); n += y.numel()
    print(f"epoch {ep} train ppl {math.exp(tot / cnt):.2f} valid ppl {math.exp(v / n):.2f} (uniform {len(vocab)})")

with torch.no_grad():
    h = (torch.zeros(1, 1, 64), torch.zeros(1, 1, 64))
    c, out = torch.tensor([[vocab.index("t")]]), "t"
    for _ in range(80):
        lo, h = model(c, h)
        c = torch.multinomial((lo[0] / 0.7).softmax(-1), 1)
        out += vocab[c.item()]
print(out)
