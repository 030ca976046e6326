import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import Dataset, DataLoader, Subset


class ScanFolder(Dataset):
    """Scans kept as <number>.png with one label file, the way the lab exports them."""

    def __init__(self, store, label_column):
        self.store = store
        self.names = sorted(store)
        self.label_column = label_column

    def __len__(self):
        return len(self.names)

    def __getitem__(self, k):
        img = torch.from_numpy(self.store[self.names[k]]).float().div(16).unsqueeze(0)
        return img, int(self.label_column[k])


class TinyConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(x.flatten(1))


def export():
    d = load_digits()
    return {f"{i}.png": im for i, im in enumerate(d.images)}, d.target


def run():
    torch.manual_seed(0)
    folder = ScanFolder(*export())
    order = torch.randperm(len(folder)).tolist()
    train = DataLoader(Subset(folder, order[:1400]), batch_size=64, shuffle=True)
    valid = DataLoader(Subset(folder, order[1400:]), batch_size=256)
    model = TinyConv()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for ep in range(18):
        model.train()
        tot = n = 0
        for img, lab in train:
            optimizer.zero_grad()
            l = F.cross_entropy(model(img), lab)
            l.backward()
            optimizer.step()
            tot += l.item() * len(lab)
            n += len(lab)
        model.eval()
        with torch.no_grad():
            acc = sum((model(i).argmax(1) == t).sum().item() for i, t in valid) / 397
        print("ep", ep, "loss", round(tot / n, 3), "val acc", round(acc, 3))


run()
