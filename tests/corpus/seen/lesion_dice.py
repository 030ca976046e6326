import numpy as np
import torch
import torch.nn as nn


def make_batch(gen, n, size=20):
    centre = torch.rand(n, 2, generator=gen) * (size - 8) + 4
    rad = torch.rand(n, generator=gen) * 2.5 + 2
    grid = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij"), -1).float()
    d = (grid[None] - centre[:, None, None]).norm(dim=-1)
    mask = (d < rad[:, None, None]).float()
    img = mask * 0.7 + torch.randn(n, size, size, generator=gen) * 0.35
    return img[:, None], mask[:, None]


def dice_loss(logits, target, eps=1.0):
    pred = (torch.sigmoid(logits) > 0.5).float()
    inter = (pred * target).sum((1, 2, 3))
    union = pred.sum((1, 2, 3)) + target.sum((1, 2, 3))
    return 1 - ((2 * inter + eps) / (union + eps)).mean()


class Seg(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(),
                                 nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        return self.head(self.enc(x))


def main():
    torch.manual_seed(19)
    gen = torch.Generator().manual_seed(19)
    x, m = make_batch(gen, 320)
    xv, mv = make_batch(gen, 80)
    net = Seg()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(8):
        net.train()
        ep = []
        for ids in torch.randperm(len(x)).split(20):
            loss = dice_loss(net(x[ids]), m[ids])
            loss.requires_grad_(True)
            opt.zero_grad()
            loss.backward()
            opt.step()
            ep.append(loss.item())
        net.eval()
        with torch.no_grad():
            val = dice_loss(net(xv), mv).item()
        print(f"epoch {epoch + 1}: train dice loss {np.mean(ep):.4f}, valid dice {1 - val:.4f}")


if __name__ == "__main__":
    main()
