"""Node classification on a planted-partition graph: one full-batch graph, masks for the parts, best weights kept."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def planted_graph(nodes=600, groups=4, features=16, seed=0):
    g = torch.Generator().manual_seed(seed)
    label = torch.randint(0, groups, (nodes,), generator=g)
    same = label[:, None] == label[None, :]
    p = torch.where(same, 0.03, 0.005)
    upper = torch.triu((torch.rand(nodes, nodes, generator=g) < p).float(), 1)
    a = upper + upper.T + torch.eye(nodes)
    d = a.sum(1).rsqrt()
    centers = torch.randn(groups, features, generator=g)
    x = centers[label] * 0.5 + torch.randn(nodes, features, generator=g)
    order = torch.randperm(nodes, generator=g)
    return x, d[:, None] * a * d[None, :], label, order[:300], order[300:450], order[450:]


class GCN(nn.Module):
    def __init__(self, n_in, n_out, hidden=24, dropout=0.3):
        super().__init__()
        self.lin1, self.lin2 = nn.Linear(n_in, hidden), nn.Linear(hidden, n_out)
        self.dropout = dropout

    def forward(self, x, a):
        h = F.relu(a @ self.lin1(x))
        h = F.dropout(h, self.dropout, training=self.training)
        return a @ self.lin2(h)


@torch.no_grad()
def measure(model, x, a, y, nodes):
    model.eval()
    out = model(x, a)[nodes]
    return F.cross_entropy(out, y[nodes]).item(), (out.argmax(1) == y[nodes]).float().mean().item()


def main():
    torch.manual_seed(3)
    x, a, y, train, val, test = planted_graph()
    model = GCN(x.shape[1], 4)
    opt = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=5e-3)
    best, kept, patience = float("inf"), None, 0
    for epoch in range(150):
        model.train()
        loss = F.cross_entropy(model(x, a)[train], y[train])
        opt.zero_grad()
        loss.backward()
        opt.step()
        v, acc = measure(model, x, a, y, val)
        if v < best:
            best, kept, patience = v, copy.deepcopy(model.state_dict()), 0
        else:
            patience += 1
            if patience == 10:
                break
        if epoch % 15 == 0:
            print(f"epoch {epoch:3d} train {loss.item():.4f} val {v:.4f} acc {acc:.3f}")
    model.load_state_dict(kept)
    print(f"stopped after {epoch + 1} epochs, best val {best:.4f}, test loss/acc", measure(model, x, a, y, test))


if __name__ == "__main__":
    main()
