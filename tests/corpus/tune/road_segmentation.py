"""Three-class segmentation with void pixels: class-weighted CE + soft Dice."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

VOID = 255


class Scenes(Dataset):
    def __init__(self, n, seed, size=20):
        g = torch.Generator().manual_seed(seed)
        lab = torch.zeros(n, size, size, dtype=torch.long)
        for i in range(n):
            c = int(torch.randint(3, size - 6, (1,), generator=g))
            lab[i, :, c:c + 4] = 1
            a, b = torch.randint(0, size - 5, (2,), generator=g).tolist()
            lab[i, a:a + 5, b:b + 5] = 2
        self.x = torch.tensor([-0.6, 0.2, 1.0])[lab].unsqueeze(1) + 0.35 * torch.randn(n, 1, size, size, generator=g)
        void = torch.rand(lab.shape, generator=g) < 0.03
        lab[void] = VOID
        self.lab = lab

    def __len__(self):
        return len(self.lab)

    def __getitem__(self, i):
        return self.x[i], self.lab[i]


def conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class SegNet(nn.Module):
    def __init__(self, c=10, classes=3):
        super().__init__()
        self.e1, self.e2 = conv(1, c), conv(c, 2 * c)
        self.d1 = conv(3 * c, c)
        self.out = nn.Conv2d(c, classes, 1)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(F.max_pool2d(a, 2))
        b = F.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        return self.out(self.d1(torch.cat([a, b], 1)))


def dice_loss(logits, lab):
    keep = (lab != VOID).unsqueeze(1).float()
    onehot = F.one_hot(lab.clamp(max=2), 3).permute(0, 3, 1, 2).float() * keep
    p = logits.softmax(dim=1) * keep
    inter = (p * onehot).sum((0, 2, 3))
    return 1 - (2 * inter / ((p + onehot).sum((0, 2, 3)) + 1e-6)).mean()


def mean_iou(model, loader):
    model.eval()
    inter, union = torch.zeros(3), torch.zeros(3)
    with torch.no_grad():
        for x, lab in loader:
            pred = model(x).argmax(1)
            ok = lab != VOID
            for k in range(3):
                p, t = (pred == k) & ok, (lab == k) & ok
                inter[k] += (p & t).sum()
                union[k] += (p | t).sum()
    return (inter / union).mean().item()


def main():
    torch.manual_seed(0)
    train, val = Scenes(400, 1), Scenes(80, 2)
    dl, vdl = DataLoader(train, batch_size=8, shuffle=True), DataLoader(val, batch_size=40)
    counts = torch.bincount(train.lab[train.lab != VOID], minlength=3).float()
    weight = counts.sum() / (3 * counts)
    model = SegNet()
    ce = nn.CrossEntropyLoss(weight=weight, ignore_index=VOID)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=5 * len(dl), power=0.9)
    for epoch in range(5):
        model.train()
        tot = 0.0
        for x, lab in dl:
            out = model(x)
            loss = ce(out, lab) + 0.5 * dice_loss(out, lab)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            tot += loss.item()
        print(f"epoch {epoch + 1} loss {tot / len(dl):.4f} mIoU {mean_iou(model, vdl):.4f}")


main()
