import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(2024)
torch.manual_seed(2024)


def make_customers(n):
    x = rng.normal(size=(n, 16)).astype("float32")
    logit = 1.4 * x[:, 0] - 1.1 * x[:, 1] + 0.9 * x[:, 2] * x[:, 3]
    churn = rng.random(n) < 1 / (1 + np.exp(-logit))
    return torch.from_numpy(x), torch.from_numpy(churn.astype("float32"))


class ChurnNet(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


def validate(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
        return nn.functional.binary_cross_entropy_with_logits(out, y).item(), ((out > 0) == (y > 0.5)).float().mean().item()


def train(model, loader, val, epochs=60):
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    best_loss, best_state = float("inf"), None
    for epoch in range(epochs):
        model.train()
        run = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(model(x), y)
            loss.backward()
            opt.step()
            run += loss.item() * len(y)
        val_loss, val_acc = validate(model, *val)
        if val_loss < best_loss:
            best_loss = val_loss
            best_state = model.state_dict()
        if epoch % 6 == 0:
            print(f"{epoch:3d} train {run / len(loader.dataset):.4f} val {val_loss:.4f} acc {val_acc:.3f}")
    model.load_state_dict(best_state)
    print(f"best val loss {best_loss:.4f}")
    return model


train_x, train_y = make_customers(400)
val = make_customers(800)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=32, shuffle=True)
model = train(ChurnNet(), loader, val)
print("final model: val loss %.4f acc %.3f" % validate(model, *val))
