import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def block_graph(sizes, p_in, p_out, n_features, rng):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    n = len(labels)
    prob = np.where(labels[:, None] == labels[None, :], p_in, p_out)
    upper = np.triu(rng.random((n, n)) < prob, 1)
    adj = (upper | upper.T).astype(np.float32)
    centers = rng.normal(size=(len(sizes), n_features))
    feats = 0.5 * centers[labels] + rng.normal(size=(n, n_features))
    return adj, feats.astype(np.float32), labels


def normalise(adj):
    adj = adj + torch.eye(len(adj))
    d = adj.sum(1).rsqrt()
    return d[:, None] * adj * d[None, :]


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.reset_parameters()

    def reset_parameters(self):
        bound = 1.0 / self.weight.shape[0] ** 0.5
        nn.init.constant_(self.weight, bound)

    def forward(self, a_hat, x):
        return a_hat @ (x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self, n_features, hidden, n_classes):
        super().__init__()
        self.first = GraphConv(n_features, hidden)
        self.second = GraphConv(hidden, hidden)
        self.readout = nn.Linear(hidden, n_classes)

    def forward(self, a_hat, x):
        x = F.relu(self.first(a_hat, x))
        x = F.relu(self.second(a_hat, x))
        return self.readout(x)


def main():
    rng = np.random.default_rng(2)
    torch.manual_seed(2)
    adj, feats, labels = block_graph([100] * 4, 0.08, 0.015, 16, rng)
    x = torch.from_numpy((feats - feats.mean(0)) / feats.std(0))
    y = torch.from_numpy(labels)
    a_hat = normalise(torch.from_numpy(adj))
    order = torch.from_numpy(rng.permutation(len(y)))
    train_idx, val_idx = order[:240], order[240:]

    model = GCN(x.shape[1], 32, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    for epoch in range(1, 121):
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(a_hat, x)[train_idx], y[train_idx])
        loss.backward()
        optimizer.step()
        if epoch % 15 == 0:
            model.eval()
            with torch.no_grad():
                out = model(a_hat, x)
                val_loss = F.cross_entropy(out[val_idx], y[val_idx]).item()
                acc = (out[val_idx].argmax(1) == y[val_idx]).float().mean().item()
            print(f"epoch {epoch:3d} train {loss.item():.4f} val {val_loss:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
