import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, SWALR, update_bn
from torch.utils.data import DataLoader, TensorDataset, random_split
from sklearn.datasets import load_digits
torch.manual_seed(0); d = load_digits()
full = TensorDataset(torch.tensor(d.images / 16).float()[:, None], torch.tensor(d.target))
train, test = random_split(full, [0.8, 0.2]); loader, test_loader = DataLoader(train, 64, shuffle=True), DataLoader(test, 256)
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9); loss_fn = nn.CrossEntropyLoss(label_smoothing=0.05)
swa_model = AveragedModel(model); scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10); swa_start, swa_scheduler = 6, SWALR(optimizer, swa_lr=0.05)
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad(); loss_fn(model(x), y).backward(); optimizer.step()
    if epoch > swa_start: swa_model.update_parameters(model); swa_scheduler.step()
    else: scheduler.step()
update_bn(loader, swa_model); swa_model.eval()
with torch.no_grad(): print(sum((swa_model(x).argmax(1) == y).sum().item() for x, y in test_loader) / len(test))
