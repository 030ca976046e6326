import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset


class LeNetish(nn.Module):
    def __init__(self):
        super(LeNetish, self).__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(256, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def train(model, loader, optimizer, scheduler, epoch):
    model.train()
    for i, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        output = model(data)
        loss = nn.functional.cross_entropy(output, target)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if i % 10 == 0:
            print("Train Epoch: {} [{}/{}]\tLoss: {:.6f}".format(epoch, i * len(data), len(loader.dataset), loss.item()))


def test(model, loader):
    model.eval()
    test_loss = correct = 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += nn.functional.cross_entropy(output, target, reduction="sum").item()
            correct += output.argmax(dim=1).eq(target).sum().item()
    n = len(loader.dataset)
    print("\nTest set: Average loss: {:.4f}, Accuracy: {}/{} ({:.0f}%)\n".format(test_loss / n, correct, n, 100. * correct / n))


def main():
    torch.manual_seed(1)
    d = load_digits()
    x = (torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16 - 0.3053) / 0.3761
    y = torch.tensor(d.target)
    perm = torch.randperm(len(y))
    train_loader = DataLoader(TensorDataset(x[perm[:1500]], y[perm[:1500]]), batch_size=50, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[perm[1500:]], y[perm[1500:]]), batch_size=300)
    model = LeNetish()
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    scheduler = StepLR(optimizer, step_size=5, gamma=0.5)
    for epoch in range(1, 9):
        train(model, train_loader, optimizer, scheduler, epoch)
        test(model, test_loader)


if __name__ == "__main__":
    main()
