"""Two-layer GCN on a stochastic block model: full-batch, node masks."""
import torch
import torch.nn.functional as F
from torch import nn


def block_graph(n=300, k=3, p_in=0.06, p_out=0.01, seed=5):
    g = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % k
    prob = torch.where(label[:, None] == label[None], p_in, p_out)
    a = (torch.rand(n, n, generator=g) < prob).float().triu(1)
    a = a + a.t() + torch.eye(n)
    d = a.sum(1).rsqrt()
    feats = torch.randn(n, 16, generator=g)
    feats[:, :k] += 0.8 * F.one_hot(label, k)
    return d[:, None] * a * d[None], feats, label


class GCN(nn.Module):
    def __init__(self, d_in, d_hidden, d_out):
        super().__init__()
        self.w1, self.w2 = nn.Linear(d_in, d_hidden, bias=False), nn.Linear(d_hidden, d_out, bias=False)

    def forward(self, adj, x):
        h = F.relu(adj @ self.w1(x))
        h = F.dropout(h, 0.5, training=self.training)
        return adj @ self.w2(h)


def main():
    torch.manual_seed(5)
    adj, x, y = block_graph()
    order = torch.randperm(len(y))
    train_mask, val_mask = torch.zeros(len(y), dtype=torch.bool), torch.zeros(len(y), dtype=torch.bool)
    train_mask[order[:120]] = True
    val_mask[order[120:]] = True
    gcn = GCN(16, 16, 3)
    opt = torch.optim.Adam(gcn.parameters(), lr=0.01, weight_decay=5e-4)
    for epoch in range(1, 61):
        gcn.train()
        opt.zero_grad()
        loss = F.cross_entropy(gcn(adj, x)[train_mask], y[train_mask])
        loss.backward()
        opt.step()
        if epoch % 10 == 0:
            gcn.eval()
            with torch.no_grad():
                out = gcn(adj, x)
                acc = (out.argmax(1) == y)[val_mask].float().mean().item()
                vl = F.cross_entropy(out[val_mask], y[val_mask]).item()
            print(f"Epoch {epoch:03d}, Loss: {loss.item():.3f}, Val: {vl:.3f} / {acc:.3f}")


main()
