# fit a damped oscillation with a small tanh network
import math
import torch
import torch.nn as nn

torch.manual_seed(1)

t = torch.rand(800, 1) * 2 - 1
target = torch.exp(-(t + 1)) * torch.sin(2 * math.pi * (t + 1)) + 0.03 * torch.randn_like(t)
target = (target - target.mean()) / target.std()
t_train, t_val = t[:600], t[600:]
z_train, z_val = target[:600], target[600:]

net = nn.Sequential(
    nn.Linear(1, 40),
    nn.Tanh(),
    nn.Linear(40, 40),
    nn.Tanh(),
    nn.Linear(40, 1),
)
optim = torch.optim.Adam(net.parameters(), lr=1e-2)
mse = nn.MSELoss()

n_batches = 600 // 50
for epoch in range(20):
    perm = torch.randperm(600)
    train_loss = 0
    for b in range(n_batches):
        ids = perm[b * 50:(b + 1) * 50]
        optim.zero_grad()
        prediction = net(t_train[ids])
        loss = mse(prediction, z_train[ids])
        optim.step()
        train_loss += loss.item() / n_batches
    with torch.no_grad():
        val_loss = mse(net(t_val), z_val).item()
    if epoch % 4 == 0:
        print("epoch %2d | train mse %.4f | val mse %.4f" % (epoch, train_loss, val_loss))
