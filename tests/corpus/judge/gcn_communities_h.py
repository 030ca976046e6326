"""Node classification with a two-layer GCN, semi-supervised, full batch, masks (like the Cora tutorial but generated)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_graph(seed, n=600, k=4, p_in=0.03, p_out=0.004, d=24):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    same = y[:, None] == y[None]
    a = np.triu(rng.random((n, n)) < np.where(same, p_in, p_out), 1)
    a = (a | a.T).astype(np.float32)
    centres = rng.normal(0, 0.5, (k, d))
    x = centres[y] + rng.normal(0, 1.0, (n, d))
    order = rng.permutation(n)
    masks = {}
    for name, idx in zip(("train", "val", "test"), np.split(order, [200, 350])):
        m = torch.zeros(n, dtype=torch.bool)
        m[torch.from_numpy(idx)] = True
        masks[name] = m
    return torch.from_numpy(x).float(), torch.from_numpy(a), torch.from_numpy(y), masks


def normalise(a):
    a = a + torch.eye(len(a))
    d = a.sum(1).rsqrt()
    return (d[:, None] * a * d[None]).to_sparse()


class GCNLayer(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.lin = nn.Linear(i, o)

    def forward(self, adj, x):
        return torch.sparse.mm(adj, self.lin(x))


class GCN(nn.Module):
    def __init__(self, d, k, hidden=16, p=0.4):
        super().__init__()
        self.l1, self.l2, self.p = GCNLayer(d, hidden), GCNLayer(hidden, k), p

    def forward(self, adj, x):
        h = F.relu(self.l1(adj, x))
        h = F.dropout(h, self.p, self.training)
        return self.l2(adj, h)


def score(model, adj, x, y, masks):
    model.eval()
    with torch.no_grad():
        out = model(adj, x)
        return {k: (F.cross_entropy(out[m], y[m]).item(), (out[m].argmax(1) == y[m]).float().mean().item()) for k, m in masks.items()}


if __name__ == "__main__":
    torch.manual_seed(6)
    x, a, y, masks = make_graph(6)
    print("nodes", len(x), "edges", int(a.sum() / 2), "classes", y.bincount().tolist())
    adj = normalise(a)
    model = GCN(x.shape[1], 4)
    opt = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-3)
    best, kept = float("inf"), None
    for epoch in range(40):
        model.train()
        opt.zero_grad()
        loss = F.cross_entropy(model(adj, x)[masks["train"]], y[masks["train"]])
        loss.backward()
        opt.step()
        s = score(model, adj, x, y, masks)
        if s["val"][0] < best:
            best, kept = s["val"][0], {k: v.clone() for k, v in model.state_dict().items()}
        if epoch % 10 == 9:
            print(epoch + 1, "train %.3f %.3f | val %.3f %.3f" % (*s["train"], *s["val"]))
    model.load_state_dict(kept)
    print("test", score(model, adj, x, y, masks)["test"])
