# Classify points of two interleaved moons in six dimensions with a small network.
import torch
from sklearn.datasets import make_moons
from torch import nn

torch.manual_seed(42)


def dataset(n, seed):
    pts, lab = make_moons(n, noise=0.15, random_state=seed)
    g = torch.Generator().manual_seed(0)
    lift = torch.randn(2, 6, generator=g) * 0.7
    x = torch.tensor(pts, dtype=torch.float32) - torch.tensor([0.5, 0.25])
    return x @ lift, torch.tensor(lab)


def init_weights(module):
    if isinstance(module, nn.Linear):
        fan = module.in_features
        nn.init.constant_(module.weight, 1.0 / fan ** 0.5)
        nn.init.zeros_(module.bias)


body = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
body.apply(init_weights)
head = nn.Linear(32, 2)
model = nn.Sequential(body, head)

x_train, y_train = dataset(1200, 1)
x_val, y_val = dataset(500, 2)
sgd = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=25)
ce = nn.CrossEntropyLoss()

for epoch in range(25):
    model.train()
    perm = torch.randperm(len(x_train))
    for start in range(0, len(perm), 40):
        rows = perm[start:start + 40]
        sgd.zero_grad()
        loss = ce(model(x_train[rows]), y_train[rows])
        loss.backward()
        sgd.step()
    schedule.step()
    model.eval()
    with torch.no_grad():
        logits = model(x_val)
        acc = (logits.argmax(1) == y_val).float().mean().item()
    if epoch % 4 == 0:
        print(f"epoch {epoch}: val loss {ce(logits, y_val).item():.4f}, val accuracy {acc:.3f}")
