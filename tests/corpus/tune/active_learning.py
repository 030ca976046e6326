"""Pool-based active learning: margin sampling against random, a fresh net every round."""
import torch
from torch import nn
from sklearn.datasets import make_blobs

class Experiment:
    def __init__(self, seed=50):
        self.gen = torch.Generator().manual_seed(seed)
        X, y = make_blobs(3000, n_features=6, centers=24, cluster_std=1.35, center_box=(-5, 5), random_state=seed)
        X, y = torch.tensor(X).float(), torch.tensor(y % 4)
        self.X, self.y = (X - X.mean(0)) / X.std(0), y
        self.pool, self.test = torch.arange(2200), torch.arange(2200, 3000)

    def fit(self, rows):
        net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 4))
        opt = torch.optim.AdamW(net.parameters(), lr=8e-3, weight_decay=.05)
        for step in range(180):
            b = rows[torch.randint(len(rows), (64,), generator=self.gen)]
            loss = nn.functional.cross_entropy(net(self.X[b]), self.y[b])
            opt.zero_grad(); loss.backward(); opt.step()
        return net.eval()

    @torch.no_grad()
    def test_loss(self, net):
        o = net(self.X[self.test]); t = self.y[self.test]
        return nn.functional.cross_entropy(o, t).item(), (o.argmax(1) == t).float().mean().item()

    @torch.no_grad()
    def margin(self, net, rows):
        top = net(self.X[rows]).softmax(1).topk(2).values
        return top[:, 0] - top[:, 1]

    def run(self, strategy, rounds=6, first=300, add=150):
        perm = self.pool[torch.randperm(len(self.pool), generator=torch.Generator().manual_seed(1))]
        have, left = perm[:first], perm[first:]
        for r in range(rounds):
            net = self.fit(have)
            with torch.no_grad():
                fit = nn.functional.cross_entropy(net(self.X[have]), self.y[have]).item()
            l, a = self.test_loss(net)
            print(f"{strategy:7s} {len(have):5d} labels  train {fit:.3f}  test {l:.3f}  acc {a:.3f}")
            order = self.margin(net, left).argsort() if strategy == "margin" else torch.randperm(len(left), generator=self.gen)
            have, left = torch.cat([have, left[order[:add]]]), left[order[add:]]
        return a

if __name__ == "__main__":
    torch.manual_seed(50)
    e = Experiment()
    print({s: e.run(s) for s in ("random", "margin")})
