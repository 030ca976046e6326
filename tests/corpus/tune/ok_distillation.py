import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
centres = torch.randn(4, 10) * 1.2
labels = torch.randint(0, 4, (600,))
points = centres[labels] + torch.randn(600, 10)
train_set = TensorDataset(points[:400], labels[:400])
val_set = TensorDataset(points[400:], labels[400:])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=100)

teacher = nn.Sequential(nn.Linear(10, 64), nn.Dropout(0.1), nn.ReLU(), nn.Linear(64, 4))
topt = torch.optim.Adam(teacher.parameters(), lr=1e-2)
for x, y in train_loader:
    topt.zero_grad()
    F.cross_entropy(teacher(x), y).backward()
    topt.step()
teacher.eval()
student = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))
opt = torch.optim.Adam(student.parameters(), lr=1e-2)
for epoch in range(4):
    for x, y in train_loader:
        with torch.no_grad():
            soft = F.softmax(teacher(x) / 2, dim=1)
        s = student(x)
        loss = F.kl_div(F.log_softmax(s / 2, dim=1), soft, reduction="batchmean") * 4 + F.cross_entropy(s, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(loss.item())
