import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


def make_data(n=500):
    means = torch.randn(3, 8) * 1.3
    target = torch.randint(0, 3, (n,))
    return means[target] + torch.randn(n, 8), target


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 40)
        self.middle = nn.Linear(40, 40)
        self.last = nn.Linear(40, 3)

    def forward(self, x):
        return self.last(F.relu(self.middle(self.first(x))))


def train(net, loader, epochs=4):
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        net.train()
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            opt.step()
        print(epoch, round(loss.item(), 4))


def evaluate(net, loader):
    net.eval()
    right = total = 0
    with torch.no_grad():
        for xb, yb in loader:
            right += (net(xb).argmax(1) == yb).sum().item()
            total += len(yb)
    return right / total


def main():
    x, t = make_data()
    train_loader = DataLoader(TensorDataset(x[:400], t[:400]), batch_size=25, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[400:], t[400:]), batch_size=50)
    net = Net()
    train(net, train_loader)
    print("test", evaluate(net, test_loader))


main()
