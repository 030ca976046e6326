"""A deep stack of logistic layers on the four-quadrant problem."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(40)


class DeepNet(nn.Module):
    def __init__(self, depth=9, width=32, classes=4):
        super().__init__()
        layers = [nn.Linear(2, width), nn.Sigmoid()]
        for _ in range(depth - 2):
            layers += [nn.Linear(width, width), nn.Sigmoid()]
        layers.append(nn.Linear(width, classes))
        self.stack = nn.Sequential(*layers)

    def forward(self, x):
        return self.stack(x)


def quadrants(n):
    x = torch.randn(n, 2)
    return x, (x[:, 0] > 0).long() * 2 + (x[:, 1] > 0).long()


train_x, train_y = quadrants(2400)
test_x, test_y = quadrants(600)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=60, shuffle=True)
model = DeepNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch + 1:2d}: loss {total / len(loader):.4f}, test accuracy {accuracy:.3f}")
