"""fastai-like: lr_find until the loss explodes, rewind, then one cycle."""
import copy, math
import torch, torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from sklearn.datasets import load_digits

class Learner:
    def __init__(self, model, train_dl, valid_dl, loss_fn):
        self.model, self.train_dl, self.valid_dl, self.loss_fn = model, train_dl, valid_dl, loss_fn

    def lr_find(self, lo=1e-5, hi=10., steps=100):
        saved = copy.deepcopy(self.model.state_dict())
        opt = torch.optim.SGD(self.model.parameters(), lr=lo, momentum=.9)
        sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda i: (hi / lo) ** (i / steps))
        avg, best, lrs, losses = 0, math.inf, [], []
        it = iter(self.train_dl)
        self.model.train()
        for i in range(steps):
            try: xb, yb = next(it)
            except StopIteration:
                it = iter(self.train_dl); xb, yb = next(it)
            loss = self.loss_fn(self.model(xb), yb)
            avg = .9 * avg + .1 * loss.item(); sm = avg / (1 - .9 ** (i + 1))
            lrs.append(opt.param_groups[0]['lr']); losses.append(sm); best = min(best, sm)
            if sm > 3 * best: break
            opt.zero_grad(); loss.backward(); opt.step(); sched.step()
        self.model.load_state_dict(saved)
        k = min(range(10, len(losses)), key=losses.__getitem__)
        print(f'lr_find: {len(lrs)} steps, stopped at lr {lrs[-1]:.3g}, lowest at {lrs[k]:.3g}')
        return lrs[k] / 5

    def fit_one_cycle(self, epochs, lr):
        opt = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=.95, weight_decay=1e-3)
        sched = torch.optim.lr_scheduler.OneCycleLR(opt, lr, epochs=epochs, steps_per_epoch=len(self.train_dl))
        for ep in range(epochs):
            self.model.train(); tl = []
            for xb, yb in self.train_dl:
                loss = self.loss_fn(self.model(xb), yb)
                loss.backward(); opt.step(); sched.step(); opt.zero_grad()
                tl.append(loss.item())
            print(ep, f'{sum(tl) / len(tl):.4f}', '{:.4f} {:.4f}'.format(*self.validate()))

    @torch.no_grad()
    def validate(self):
        self.model.eval(); n = l = a = 0
        for xb, yb in self.valid_dl:
            o = self.model(xb); n += len(xb); l += self.loss_fn(o, yb).item() * len(xb); a += (o.argmax(1) == yb).sum().item()
        return l / n, a / n

def main():
    torch.manual_seed(42)
    d = load_digits()
    ds = TensorDataset(torch.tensor(d.images).float().div(8).sub(1)[:, None], torch.tensor(d.target))
    tr, va = random_split(ds, [1400, 397], generator=torch.Generator().manual_seed(1))
    net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                        nn.Flatten(), nn.Linear(128, 10))
    learn = Learner(net, DataLoader(tr, 64, shuffle=True, drop_last=True), DataLoader(va, 128), nn.CrossEntropyLoss())
    lr = min(learn.lr_find(), .1)
    print('suggested', lr)
    learn.fit_one_cycle(8, lr)

if __name__ == '__main__':
    main()
