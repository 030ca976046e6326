"""Find the cells of an 8x8 grid that hold a cross, in 32x32 images with clutter. Focal loss, as in RetinaNet."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def draw(n, gen):
    images = 0.15 * torch.randn(n, 1, 32, 32, generator=gen)
    targets = torch.zeros(n, 1, 8, 8)
    for i in range(n):
        for _ in range(int(torch.randint(1, 4, (1,), generator=gen))):
            r, c = torch.randint(0, 8, (2,), generator=gen).tolist()
            y, x = 4 * r, 4 * c
            images[i, 0, y:y + 4, x + 1:x + 3] += 0.7
            images[i, 0, y + 1:y + 3, x:x + 4] += 0.7
            targets[i, 0, r, c] = 1
        for _ in range(3):
            y, x = torch.randint(0, 28, (2,), generator=gen).tolist()
            images[i, 0, y, x:x + 4] += 0.8
    return images.clamp(-1, 2), targets


class Detector(nn.Module):
    def __init__(self, prior=0.01):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 4, stride=4)
        self.tower = nn.Conv2d(16, 32, 3, padding=1)
        self.head = nn.Conv2d(32, 1, 1)
        self.bias_value = -math.log((1 - prior) / prior)
        self.apply(self.reset)

    def reset(self, module):
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.1)
            nn.init.constant_(module.bias, self.bias_value)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(self.tower(x))
        return self.head(x)


def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    ce = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    p = torch.sigmoid(logits)
    p_t = p * targets + (1 - p) * (1 - targets)
    a_t = alpha * targets + (1 - alpha) * (1 - targets)
    return (a_t * (1 - p_t) ** gamma * ce).sum() / targets.sum().clamp(min=1)


@torch.no_grad()
def f1(model, images, targets):
    model.eval()
    hit = torch.sigmoid(model(images)) > 0.4
    tp = (hit & (targets > 0)).sum().item()
    return 2 * tp / max(1, hit.sum().item() + int(targets.sum().item()))


def main():
    gen = torch.Generator().manual_seed(6)
    torch.manual_seed(6)
    x_tr, y_tr = draw(500, gen)
    x_va, y_va = draw(150, gen)
    model = Detector()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_tr), generator=gen).split(32):
            loss = focal_loss(model(x_tr[idx]), y_tr[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            val = focal_loss(model(x_va), y_va).item()
        print(f"epoch {epoch:2d}: train {total / len(x_tr):.4f}  val {val:.4f}  f1 {f1(model, x_va, y_va):.3f}")


if __name__ == "__main__":
    main()
