import random, torch, torch.nn as nn

torch.manual_seed(0)
random.seed(0)
V, L = 10, 6
enc, dec, emb, out = (
    nn.GRU(16, 48, batch_first=True),
    nn.GRUCell(16, 48),
    nn.Embedding(V + 1, 16),
    nn.Linear(48, V),
)
ps = [p for m in (enc, dec, emb, out) for p in m.parameters()]
opt = torch.optim.Adam(ps, 4e-3)


def run(x, y, tf):
    _, h = enc(emb(x))
    h = h[0]
    tok = torch.full((len(x),), V)
    ls = []
    for i in range(L):
        h = dec(emb(tok), h)
        lg = out(h)
        ls.append(nn.functional.cross_entropy(lg, y[:, i]))
        tok = y[:, i] if random.random() < tf else lg.argmax(1)
    return torch.stack(ls).mean()


for s in range(120):
    x = torch.randint(0, V, (48, L))
    l = run(x, x.flip(1), 0.7)
    opt.zero_grad()
    l.backward()
    opt.step()
    if s % 40 == 0:
        print(s, l.item())
