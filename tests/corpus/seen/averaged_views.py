"""Test-time augmentation: eight random shifted views of each test image are averaged."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


def jitter(img):
    dy, dx = torch.randint(0, 3, (2,)).tolist()
    return F.pad(img, (1, 1, 1, 1))[:, dy:dy + 8, dx:dx + 8]


class Train(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return jitter(self.x[i]), self.y[i]


class Views(Train):
    def __init__(self, x, y, k=8):
        super().__init__(x, y)
        self.k = k

    def __getitem__(self, i):
        return torch.stack([jitter(self.x[i]) for _ in range(self.k)]), self.y[i]


torch.manual_seed(62)
d = load_digits()
x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(d.target)
p = torch.randperm(len(y))
train = DataLoader(Train(x[p[:1400]], y[p[:1400]]), batch_size=50, shuffle=True)
test = DataLoader(Views(x[p[1400:]], y[p[1400:]]), batch_size=100)
net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                    nn.Flatten(), nn.Linear(512, 10))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    net.train()
    for xb, yb in train:
        opt.zero_grad()
        loss = F.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
    net.eval()
    hits = 0
    with torch.no_grad():
        for views, yb in test:
            n, k = views.shape[:2]
            prob = net(views.flatten(0, 1)).softmax(-1).view(n, k, -1).mean(1)
            hits += (prob.argmax(-1) == yb).sum().item()
    print(f"epoch {epoch} loss {loss.item():.3f} averaged-view accuracy {hits / 397:.3f}")
