from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
import torch
import torch.nn as nn

SEED = 2


class OriginModel(nn.Module):
    def __init__(self, n_features: int, n_classes: int, hidden=(32, 16)):
        super().__init__()
        layers, last = [], n_features
        for h in hidden:
            layers += [nn.Linear(last, h), nn.ReLU()]
            last = h
        layers.append(nn.Linear(last, n_classes))
        self.layers = nn.Sequential(*layers)
        self.reset()

    def reset(self):
        for m in self.layers:
            if isinstance(m, nn.Linear):
                nn.init.constant_(m.weight, 1.0 / m.in_features)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.layers(x)


def load():
    x, y = load_wine(return_X_y=True)
    xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.3, random_state=SEED, stratify=y)
    sc = StandardScaler().fit(xtr)
    f = lambda a: torch.tensor(sc.transform(a), dtype=torch.float32)
    return f(xtr), f(xte), torch.tensor(ytr), torch.tensor(yte)


def fit(model, xtr, ytr, epochs=60, lr=0.01, bs=16):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    ce = nn.CrossEntropyLoss()
    for e in range(epochs):
        model.train()
        s = 0.0
        for ix in torch.randperm(len(xtr)).split(bs):
            loss = ce(model(xtr[ix]), ytr[ix])
            opt.zero_grad()
            loss.backward()
            opt.step()
            s += loss.item() * len(ix)
        if e % 10 == 9:
            print(f"  epoch {e + 1:3d}: {s / len(xtr):.4f}")


if __name__ == "__main__":
    torch.manual_seed(SEED)
    xtr, xte, ytr, yte = load()
    m = OriginModel(13, 3)
    fit(m, xtr, ytr)
    m.eval()
    with torch.no_grad():
        print("test accuracy", (m(xte).argmax(1) == yte).float().mean().item())
