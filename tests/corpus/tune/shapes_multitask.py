import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=400)
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--seed", type=int, default=5)
args = parser.parse_args()
torch.manual_seed(args.seed)

SIZE = 16
yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")


def draw(n):
    kind = torch.randint(0, 3, (n,))
    radius = torch.empty(n).uniform_(2.0, 6.0)
    cx = torch.empty(n).uniform_(6, 10)
    cy = torch.empty(n).uniform_(6, 10)
    dx = (xx[None] - cx[:, None, None]).abs()
    dy = (yy[None] - cy[:, None, None]).abs()
    r = radius[:, None, None]
    disc = (dx ** 2 + dy ** 2).sqrt() <= r
    box = torch.maximum(dx, dy) <= r * math.sqrt(math.pi) / 2
    cross = (torch.minimum(dx, dy) <= r * 0.3) & (torch.maximum(dx, dy) <= r)
    stack = torch.stack([disc, box, cross], 1).float()
    img = stack[torch.arange(n), kind]
    img = img + 0.1 * torch.randn_like(img)
    return img.unsqueeze(1), kind, (radius - 4.0) / 2.0


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.trunk = nn.Linear(32 * 16, 64)
        self.kind = nn.Linear(64, 3)
        self.size = nn.Linear(64, 1)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.conv1(x)), 2)
        h = F.max_pool2d(F.relu(self.conv2(h)), 2)
        h = F.relu(self.trunk(h.flatten(1)))
        return self.kind(h), self.size(h).squeeze(1)


train_x, train_k, train_r = draw(3000)
test_x, test_k, test_r = draw(500)
net = TwoHeads()
optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)

for step in range(1, args.steps + 1):
    idx = torch.randint(0, len(train_x), (args.batch,))
    logits, size = net(train_x[idx])

    optimizer.zero_grad()
    loss_kind = F.cross_entropy(logits, train_k[idx])
    loss_kind.backward(retain_graph=True)

    optimizer.zero_grad()
    loss_size = F.mse_loss(size, train_r[idx])
    loss_size.backward()
    optimizer.step()

    if step % 100 == 0:
        net.eval()
        with torch.no_grad():
            lo, sz = net(test_x)
            acc = (lo.argmax(1) == test_k).float().mean().item()
            mae = (sz - test_r).abs().mean().item() * 2
        net.train()
        print(f"step {step}: kind loss {loss_kind.item():.3f} size loss {loss_size.item():.3f} "
              f"| test acc {acc:.3f} radius mae {mae:.2f}")
