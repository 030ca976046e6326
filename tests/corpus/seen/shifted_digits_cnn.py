import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class DigitImages(Dataset):
    def __init__(self, images, targets, train):
        self.images = torch.as_tensor(images, dtype=torch.float32).unsqueeze(1) / 16
        self.targets = torch.as_tensor(targets)
        self.train = train

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        img = self.images[index]
        if self.train:  # one pixel in any direction
            dy, dx = torch.randint(0, 3, (2,)).tolist()
            img = F.pad(img, (1, 1, 1, 1))[:, dy:dy + 8, dx:dx + 8]
        return (img - 0.305) / 0.376, self.targets[index]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.out = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.out(x.flatten(1))


def run_epoch(model, loader, optimizer=None):
    training = optimizer is not None
    model.train(training)
    loss_sum = hits = seen = 0
    with torch.set_grad_enabled(training):
        for x, y in loader:
            out = model(x)
            loss = F.cross_entropy(out, y)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            seen += len(y)
    return loss_sum / seen, hits / seen


if __name__ == "__main__":
    torch.manual_seed(3)
    d = load_digits()
    p = np.random.default_rng(3).permutation(len(d.target))
    train = DataLoader(DigitImages(d.images[p[:1400]], d.target[p[:1400]], True), batch_size=50, shuffle=True)
    valid = DataLoader(DigitImages(d.images[p[1400:]], d.target[p[1400:]], False), batch_size=200)
    model = ConvNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
    for epoch in range(8):
        tl, ta = run_epoch(model, train, optimizer)
        vl, va = run_epoch(model, valid)
        scheduler.step()
        print(f"{epoch} train {tl:.3f}/{ta:.3f} valid {vl:.3f}/{va:.3f}")
