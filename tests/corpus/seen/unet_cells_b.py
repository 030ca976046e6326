import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def synth(n, rng, size=20):
    yy, xx = np.mgrid[0:size, 0:size]
    imgs = np.zeros((n, 1, size, size), np.float32)
    masks = np.zeros((n, 1, size, size), np.float32)
    for k in range(n):
        for _ in range(rng.integers(1, 4)):
            cy, cx = rng.uniform(4, size - 4, 2)
            a, b = rng.uniform(2, 5, 2)
            masks[k, 0][((yy - cy) / a) ** 2 + ((xx - cx) / b) ** 2 < 1] = 1
        imgs[k, 0] = masks[k, 0] + rng.normal(0, 0.5, (size, size))
    return torch.from_numpy(imgs), torch.from_numpy(masks)


class DoubleConv(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                         nn.Conv2d(o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.d1, self.d2 = DoubleConv(1, c), DoubleConv(c, 2 * c)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ConvTranspose2d(2 * c, c, 2, stride=2)
        self.u1 = DoubleConv(2 * c, c)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(self.pool(a))
        return self.out(self.u1(torch.cat([a, self.up(b)], dim=1)))


def soft_dice(logits, m):
    p = logits.sigmoid()
    return 1 - (2 * (p * m).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + m.sum((1, 2, 3)) + 1)


rng = np.random.default_rng(30)
torch.manual_seed(30)
train_dl = DataLoader(TensorDataset(*synth(200, rng)), batch_size=16, shuffle=True, drop_last=True)
valid_dl = DataLoader(TensorDataset(*synth(60, rng)), batch_size=30)
net = UNet()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(14):
    net.train()
    for img, mask in train_dl:
        logits = net(img)
        loss = bce(logits, mask) + soft_dice(logits, mask).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.inference_mode():
        dice = 1 - torch.cat([soft_dice(net(i), m) for i, m in valid_dl]).mean().item()
    print(f"epoch {epoch + 1}/14 train loss {loss.item():.3f} valid soft dice {dice:.3f}")
