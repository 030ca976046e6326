import torch
import torch.nn as nn
import torch.nn.functional as F

cfg = dict(optimizer="adam", lr=0.3, batch=64, epochs=8, seed=77)

torch.manual_seed(cfg["seed"])


def gratings(n):
    label = torch.randint(0, 4, (n,))
    theta = label.float() * torch.pi / 4
    freq = torch.empty(n).uniform_(1.0, 1.6)
    phase = torch.empty(n).uniform_(0, 6.28)
    g = torch.arange(12).float()
    yy, xx = torch.meshgrid(g, g, indexing="ij")
    proj = xx * theta.cos()[:, None, None] + yy * theta.sin()[:, None, None]
    img = torch.sin(freq[:, None, None] * proj + phase[:, None, None])
    return (img + 0.4 * torch.randn_like(img)).unsqueeze(1), label


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 9, 64), nn.ReLU(), nn.Linear(64, 4),
    )


def build_optimizer(params):
    if cfg["optimizer"] == "adam":
        return torch.optim.Adam(params, lr=cfg["lr"])
    return torch.optim.SGD(params, lr=cfg["lr"], momentum=0.9)


x_train, y_train = gratings(2000)
x_test, y_test = gratings(500)
model = build_model()
optimizer = build_optimizer(model.parameters())

for epoch in range(cfg["epochs"]):
    model.train()
    total = 0
    for idx in torch.randperm(len(x_train)).split(cfg["batch"]):
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch}: loss {total / len(x_train):.4f} acc {acc:.3f}")
