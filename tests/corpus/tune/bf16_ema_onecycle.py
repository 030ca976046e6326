"""bfloat16 autocast, one-cycle schedule and an exponential moving average of the weights."""
import copy

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class EMA:
    def __init__(self, model, decay):
        self.module = copy.deepcopy(model).eval()
        for p in self.module.parameters():
            p.requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for e, m in zip(self.module.state_dict().values(), model.state_dict().values()):
            if e.dtype.is_floating_point:
                e.mul_(self.decay).add_(m, alpha=1 - self.decay)
            else:
                e.copy_(m)


class ResidualMLP(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.inp = nn.Linear(64, width)
        self.norm = nn.BatchNorm1d(width)
        self.mid = nn.Linear(width, width)
        self.out = nn.Linear(width, 10)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        h = torch.relu(self.norm(self.inp(x)))
        return self.out(h + torch.relu(self.mid(h)))


def main():
    torch.manual_seed(4)
    d = load_digits()
    a, b, c, e = train_test_split(d.data / 16.0, d.target, test_size=0.25, stratify=d.target, random_state=4)
    train = DataLoader(TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(c)), batch_size=32, shuffle=True, drop_last=True)
    xb, yb = torch.tensor(b, dtype=torch.float32), torch.tensor(e)
    model = ResidualMLP()
    ema = EMA(model, 0.97)
    epochs = 8
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1e-2, epochs=epochs, steps_per_epoch=len(train))
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(epochs):
        model.train()
        for x, y in train:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(x)
            loss = loss_fn(logits.float(), y)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            ema.update(model)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            acc = (ema.module(xb).argmax(1) == yb).float().mean().item()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} lr {sched.get_last_lr()[0]:.5f} ema acc {acc:.3f}")


if __name__ == "__main__":
    main()
