import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class ReZeroBlock(nn.Module):
    """Residual branch whose last layer starts at zero, as in Fixup/ReZero."""

    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
        nn.init.zeros_(self.fc2.weight)
        nn.init.zeros_(self.fc2.bias)

    def forward(self, x):
        return x + self.fc2(torch.relu(self.fc1(x)))


class DeepNet(nn.Module):
    def __init__(self, depth=6, width=64):
        super().__init__()
        self.inp = nn.Linear(64, width)
        self.blocks = nn.Sequential(*[ReZeroBlock(width) for _ in range(depth)])
        self.out = nn.Linear(width, 10)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        return self.out(torch.relu(self.blocks(self.inp(x))))


if __name__ == "__main__":
    torch.manual_seed(73)
    data, target = load_digits(return_X_y=True)
    splits = train_test_split(data / 16.0, target, test_size=0.25, random_state=73, stratify=target)
    xtr, xte = (torch.tensor(s, dtype=torch.float32) for s in splits[:2])
    ytr, yte = (torch.tensor(s) for s in splits[2:])
    net = DeepNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(9):
        net.train()
        cum = 0.0
        for rows in torch.randperm(len(xtr)).split(40):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(xtr[rows]), ytr[rows])
            loss.backward()
            opt.step()
            cum += loss.item() * len(rows)
        net.eval()
        with torch.no_grad():
            out = net(xte)
        print(f"{epoch} train {cum / len(xtr):.3f} test {nn.functional.cross_entropy(out, yte).item():.3f} "
              f"acc {(out.argmax(1) == yte).float().mean().item():.3f}")
