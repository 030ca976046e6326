"""Network with binary weights: a custom autograd function passes the gradient straight through."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight):
        ctx.save_for_backward(weight)
        return torch.where(weight >= 0, 1.0, -1.0) * weight.abs().mean(1, keepdim=True)

    @staticmethod
    def backward(ctx, grad):
        (weight,) = ctx.saved_tensors
        return grad * (weight.abs() <= 1)


class BinaryLinear(nn.Linear):
    def forward(self, x):
        return F.linear(x, Binarize.apply(self.weight), self.bias)


class BinaryNet(nn.Module):
    def __init__(self, width=192):
        super().__init__()
        self.inp = BinaryLinear(64, width)
        self.n1 = nn.LayerNorm(width)
        self.mid = BinaryLinear(width, width)
        self.n2 = nn.LayerNorm(width)
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        x = F.hardtanh(self.n1(self.inp(x)))
        x = F.relu(self.n2(self.mid(x)))
        return self.out(x)


def clamp_weights(model):
    with torch.no_grad():
        for m in model.modules():
            if isinstance(m, BinaryLinear):
                m.weight.clamp_(-1, 1)


def main(epochs=8):
    torch.manual_seed(52)
    X, y = load_digits(return_X_y=True)
    Xt, Xv, yt, yv = train_test_split(X / 16.0, y, test_size=0.2, stratify=y, random_state=52)
    loader = DataLoader(TensorDataset(torch.tensor(Xt).float(), torch.tensor(yt)), 64, shuffle=True)
    Xv, yv = torch.tensor(Xv).float(), torch.tensor(yv)
    model = BinaryNet()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            clamp_weights(model)
            total += loss.item()
        sched.step()
        model.eval()
        with torch.no_grad():
            out = model(Xv)
        print(f"epoch {epoch} train {total / len(loader):.4f} val {F.cross_entropy(out, yv).item():.4f} acc {(out.argmax(1) == yv).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
