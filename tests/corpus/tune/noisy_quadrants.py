import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(404)

N_TRAIN, N_VAL, DIM, EPOCHS = 120, 600, 20, 150


def sample(n):
    x = torch.randn(n, DIM)
    score = x[:, 0] + 0.8 * x[:, 1] - 0.6 * x[:, 2] * x[:, 3]
    y = (score + 0.8 * torch.randn(n) > 0).long()
    return x, y


train_x, train_y = sample(N_TRAIN)
val_x, val_y = sample(N_VAL)

model = nn.Sequential(
    nn.Linear(DIM, 256), nn.ReLU(),
    nn.Linear(256, 256), nn.ReLU(),
    nn.Linear(256, 2),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
best = (float("inf"), None)

for epoch in range(EPOCHS):
    model.train()
    losses = []
    for idx in torch.randperm(N_TRAIN).split(30):
        loss = F.cross_entropy(model(train_x[idx]), train_y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        out = model(val_x)
        val_loss = F.cross_entropy(out, val_y).item()
        val_acc = (out.argmax(1) == val_y).float().mean().item()
    if val_loss < best[0]:
        best = (val_loss, copy.deepcopy(model.state_dict()))
    if epoch % 15 == 14:
        print(f"epoch {epoch + 1:3d}  train {sum(losses) / len(losses):.4f}  val {val_loss:.4f}  acc {val_acc:.3f}")

model.load_state_dict(best[1])
with torch.no_grad():
    print("restored val loss", round(F.cross_entropy(model(val_x), val_y).item(), 4))
