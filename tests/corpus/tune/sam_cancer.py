import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base, rho=0.05, **kw):
        super().__init__(params, dict(rho=rho, **kw))
        self.base = base(self.param_groups, **kw)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def ascend(self):
        norm = torch.norm(torch.stack([p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None]))
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is None:
                    continue
                self.state[p]["old"] = p.detach().clone()
                p.add_(p.grad * (g["rho"] / (norm + 1e-12)))
        self.zero_grad()

    @torch.no_grad()
    def descend(self):
        for g in self.param_groups:
            for p in g["params"]:
                if "old" in self.state[p]:
                    p.copy_(self.state[p].pop("old"))
        self.base.step()
        self.zero_grad()

    def step(self, closure=None):
        with torch.enable_grad():
            loss = closure()
        self.ascend()
        with torch.enable_grad():
            closure()
        self.descend()
        return loss


torch.manual_seed(2)
X, y = load_breast_cancer(return_X_y=True)
Xtr, Xva, ytr, yva = train_test_split(X, y, test_size=0.3, stratify=y, random_state=4)
sc = StandardScaler().fit(Xtr)
t = lambda a: torch.tensor(a, dtype=torch.float32)
train = DataLoader(TensorDataset(t(sc.transform(Xtr)), t(ytr)), 32, shuffle=True)
val = DataLoader(TensorDataset(t(sc.transform(Xva)), t(yva)), 256)

model = nn.Sequential(nn.Linear(30, 12), nn.GELU(), nn.Dropout(0.2), nn.Linear(12, 1))
opt = SAM(model.parameters(), torch.optim.SGD, rho=0.05, lr=0.02, momentum=0.9, weight_decay=5e-3)
lossf = nn.BCEWithLogitsLoss()
best = (9.9, None)
for ep in range(6):
    model.train()
    tot = 0
    for x, yy in train:
        def closure():
            l = lossf(model(x).squeeze(1), yy)
            l.backward()
            return l
        tot += opt.step(closure).item() * len(x)
    model.eval()
    with torch.no_grad():
        vl = acc = n = 0
        for x, yy in val:
            o = model(x).squeeze(1)
            vl += lossf(o, yy).item() * len(x)
            acc += ((o > 0) == (yy > 0.5)).sum().item()
            n += len(x)
    if vl / n < best[0]:
        best = (vl / n, {k: v.clone() for k, v in model.state_dict().items()})
    print(f"epoch {ep} train {tot / len(train.dataset):.4f} val {vl / n:.4f} acc {acc / n:.3f}")
model.load_state_dict(best[1])
print("restored weights with val loss", best[0])
