from collections import OrderedDict

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim.lr_scheduler import MultiStepLR
from torch.utils.data import DataLoader, TensorDataset


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Identity() if stride == 1 and cin == cout else nn.Sequential(
            nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return torch.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, num_classes=100):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU())
        self.stages = nn.Sequential(OrderedDict(s1=BasicBlock(12, 12), s2=BasicBlock(12, 24, 2)))
        self.fc = nn.Linear(24, num_classes)

    def forward(self, x):
        return self.fc(self.stages(self.stem(x)).mean((2, 3)))


def main():
    torch.manual_seed(100)
    data = load_digits()
    xa, xb, ya, yb = train_test_split(data.images, data.target, test_size=0.2, random_state=1)
    prep = lambda a: (torch.tensor(a, dtype=torch.float32)[:, None] / 16 - 0.305) / 0.376
    train = DataLoader(TensorDataset(prep(xa), torch.tensor(ya)), batch_size=96, shuffle=True)
    test = DataLoader(TensorDataset(prep(xb), torch.tensor(yb)), batch_size=180)
    net = ResNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    lr_sched = MultiStepLR(optimizer, milestones=[3, 5], gamma=0.2)
    for epoch in range(6):
        net.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            correct = sum((net(x).argmax(1) == y).sum().item() for x, y in test)
        print(f"[{epoch}] lr {optimizer.param_groups[0]['lr']:.3f} loss {loss.item():.3f} acc {100 * correct / len(yb):.1f}%")


if __name__ == "__main__":
    main()
