import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
from torch.utils.data import Dataset


class Noisy(Dataset):
    def __init__(self, data, labels, augment):
        self.data, self.labels, self.augment = data, labels, augment

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        x = self.data[i]
        if self.augment:
            x = torch.rot90(x, int(torch.randint(0, 4, ())), (1, 2)) + 0.1 * torch.randn(x.shape)
        return x, self.labels[i]


images = torch.rand(360, 1, 8, 8)
labels = (images.mean((1, 2, 3)) > 0.5).long()

everything = Noisy(images, labels, augment=True)
train_loader = DataLoader(everything, batch_size=30, shuffle=True)
val_set = Noisy(images, labels, augment=False)
val_loader = DataLoader(val_set, batch_size=60)
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(4):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            correct += (model(x).argmax(1) == y).sum().item()
    print(epoch, loss.item(), correct / len(val_set))
