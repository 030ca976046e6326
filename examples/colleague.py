"""A colleague's first network: handwritten digits. It trains, it prints numbers that look fine, and it is wrong.

Written for `trainwell check examples/colleague.py`, which says what is wrong and where.
"""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    """The 1,797 digits of scikit-learn, 8x8 pixels, turned a little for variety."""

    def __init__(self):
        digits = load_digits()
        self.images = torch.tensor(digits.images, dtype=torch.float32) / 16
        self.labels = torch.tensor(digits.target)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        image = torch.rot90(image, int(torch.randint(4, ())))
        return image.flatten(), self.labels[index]


def accuracy(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in loader:
            correct += (model(images).argmax(1) == labels).sum().item()
    model.train()
    return correct / len(loader.dataset)


torch.manual_seed(1)
train_loader = DataLoader(Digits(), batch_size=64, shuffle=True)
val_loader = DataLoader(Digits(), batch_size=256)
test_loader = DataLoader(Digits(), batch_size=256)

model = nn.Sequential(
    nn.Linear(64, 100),
    nn.Tanh(),
    nn.Linear(100, 50),
    nn.Tanh(),
    nn.Linear(50, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=1.1)

for epoch in range(6):
    for images, labels in train_loader:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}, validation accuracy {accuracy(model, val_loader):.3f}")

print(f"test accuracy {accuracy(model, test_loader):.3f}")
