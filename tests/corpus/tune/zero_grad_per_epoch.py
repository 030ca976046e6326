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
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))

class Trainer:
    def __init__(self, net):
        self.net = net
        self.opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        self.loss = nn.CrossEntropyLoss()

    def epoch(self):
        self.opt.zero_grad()
        for x, y in train_loader:
            loss = self.loss(self.net(x), y)
            loss.backward()
            self.opt.step()
        return loss.item()


trainer = Trainer(model)
for _ in range(4):
    print(trainer.epoch())
