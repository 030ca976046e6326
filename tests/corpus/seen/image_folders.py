"""Train on images that were read class folder by class folder."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class ImageFolderLike(Dataset):
    """Keeps (image, class) pairs in the order in which the class folders are listed."""

    def __init__(self, images, labels):
        self.samples = []
        for cls in sorted(set(labels.tolist())):
            for img in images[labels == cls]:
                self.samples.append((img.unsqueeze(0), cls))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc = nn.Linear(24 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


torch.manual_seed(14)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
split = torch.randperm(len(labels))
train_set = ImageFolderLike(images[split[:1300]], labels[split[:1300]])
val_set = ImageFolderLike(images[split[1300:]], labels[split[1300:]])

train_loader = DataLoader(train_set, batch_size=50)
val_loader = DataLoader(val_set, batch_size=250)
model = ConvNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(6):
    model.train()
    for batch, target in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(batch), target)
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for batch, target in val_loader:
            correct += (model(batch).argmax(1) == target).sum().item()
    print(f"Epoch {epoch + 1}: val accuracy {correct / len(val_set):.3f}")
