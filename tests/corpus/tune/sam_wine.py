"""Wine cultivars with SAM around SGD."""
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups
        self.defaults.update(self.base_optimizer.defaults)

    @torch.no_grad()
    def first_step(self, zero_grad=False):
        norm = torch.norm(torch.stack([p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None]))
        for g in self.param_groups:
            scale = g["rho"] / (norm + 1e-12)
            for p in g["params"]:
                if p.grad is None:
                    continue
                self.state[p]["old_p"] = p.data.clone()
                p.add_(p.grad * scale)
        if zero_grad:
            self.zero_grad()

    @torch.no_grad()
    def second_step(self, zero_grad=False):
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is not None:
                    p.data = self.state[p]["old_p"]
        self.base_optimizer.step()
        if zero_grad:
            self.zero_grad()


def main():
    torch.manual_seed(0)
    X, y = load_wine(return_X_y=True)
    Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
    mean, std = Xa.mean(0), Xa.std(0)
    t = lambda v: torch.tensor((v - mean) / std, dtype=torch.float32)
    train = DataLoader(TensorDataset(t(Xa), torch.tensor(ya)), batch_size=16, shuffle=True)
    Xb, yb = t(Xb), torch.tensor(yb)
    model = nn.Sequential(nn.Linear(13, 24), nn.Tanh(), nn.Linear(24, 3))
    criterion = nn.CrossEntropyLoss()
    opt = SAM(model.parameters(), torch.optim.SGD, rho=0.05, lr=0.05, momentum=0.9)
    for epoch in range(25):
        model.train()
        for x, target in train:
            loss = criterion(model(x), target)
            loss.backward()
            opt.first_step(zero_grad=True)
            criterion(model(x), target).backward()
            opt.second_step(zero_grad=True)
        if epoch % 5 == 4:
            model.eval()
            with torch.no_grad():
                out = model(Xb)
            print(f"epoch {epoch + 1} train {loss.item():.4f} test loss {criterion(out, yb).item():.4f} acc {(out.argmax(1) == yb).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
