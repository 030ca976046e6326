import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import CyclicLR
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(71)
EPOCHS, SWA_START = 16, 11

d = load_digits()
X = torch.tensor(d.images / 16.0, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(d.target)
p = torch.randperm(len(y))
train_dl = DataLoader(TensorDataset(X[p[:1440]], y[p[:1440]]), batch_size=60, shuffle=True)
test_dl = DataLoader(TensorDataset(X[p[1440:]], y[p[1440:]]), batch_size=357)

model = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
    nn.Flatten(), nn.Linear(96, 10),
)
swa_model = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
cyclic = CyclicLR(optimizer, base_lr=0.01, max_lr=0.08, step_size_up=24, cycle_momentum=False)
swa_sched = SWALR(optimizer, swa_lr=0.04, anneal_epochs=2)
criterion = nn.CrossEntropyLoss()


@torch.no_grad()
def accuracy(net):
    net.eval()
    return sum((net(a).argmax(1) == b).sum().item() for a, b in test_dl) / len(test_dl.dataset)


for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        if epoch < SWA_START:
            cyclic.step()
        total += loss.item()
    if epoch >= SWA_START:
        swa_model.update_parameters(model)
        swa_sched.step()
    print(f"epoch {epoch + 1:2d} loss {total / len(train_dl):.4f} acc {accuracy(model):.4f} lr {optimizer.param_groups[0]['lr']:.4f}")

update_bn(train_dl, swa_model)
print("swa accuracy", round(accuracy(swa_model), 4))
