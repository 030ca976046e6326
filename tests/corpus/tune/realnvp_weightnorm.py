import argparse
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from sklearn.datasets import make_swiss_roll


class Coupling(nn.Module):
    def __init__(self, dim, hidden, flip):
        super().__init__()
        mask = (torch.arange(dim) % 2).float()
        self.register_buffer("mask", 1 - mask if flip else mask)
        self.net = nn.Sequential(
            weight_norm(nn.Linear(dim, hidden)), nn.Tanh(),
            weight_norm(nn.Linear(hidden, hidden)), nn.Tanh(),
            nn.Linear(hidden, 2 * dim))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)
        self.log_scale = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        keep = x * self.mask
        s, t = self.net(keep).chunk(2, 1)
        s = torch.tanh(s) * self.log_scale.exp() * (1 - self.mask)
        y = keep + (1 - self.mask) * (x * s.exp() + t)
        return y, s.sum(1)

    def inverse(self, y):
        keep = y * self.mask
        s, t = self.net(keep).chunk(2, 1)
        s = torch.tanh(s) * self.log_scale.exp() * (1 - self.mask)
        return keep + (1 - self.mask) * (y - t) * (-s).exp()


class Flow(nn.Module):
    def __init__(self, dim=2, hidden=48, n=5):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(dim, hidden, i % 2 == 0) for i in range(n))
        self.base = torch.distributions.MultivariateNormal(torch.zeros(dim), torch.eye(dim))

    def log_prob(self, x):
        ld = 0
        for l in self.layers:
            x, d = l(x)
            ld = ld + d
        return self.base.log_prob(x) + ld

    @torch.no_grad()
    def sample(self, n):
        z = self.base.sample((n,))
        for l in reversed(self.layers):
            z = l.inverse(z)
        return z


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=500)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    def draw(n, seed):
        x = torch.tensor(make_swiss_roll(n, noise=0.4, random_state=seed)[0][:, [0, 2]], dtype=torch.float32)
        return x
    tr, va = draw(6000, 0), draw(2000, 1)
    m, s = tr.mean(0), tr.std(0)
    tr, va = (tr - m) / s, (va - m) / s

    flow = Flow()
    opt = torch.optim.Adam(flow.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.steps)
    best, best_state = float("inf"), None
    for step in range(1, args.steps + 1):
        x = tr[torch.randint(len(tr), (256,))]
        nll = -flow.log_prob(x).mean()
        opt.zero_grad()
        nll.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        opt.step()
        sched.step()
        if step % 100 == 0:
            flow.eval()
            with torch.no_grad():
                v = -flow.log_prob(va).mean().item()
            flow.train()
            if v < best:
                best, best_state = v, {k: t.clone() for k, t in flow.state_dict().items()}
            print(f"step {step:4d} train nll {nll.item():.3f} val nll {v:.3f}")
    flow.load_state_dict(best_state)
    with torch.no_grad():
        z = va
        for l in flow.layers:
            z, _ = l(z)
        back = z
        for l in reversed(flow.layers):
            back = l.inverse(back)
    print("invertibility error", (back - va).abs().max().item(), "latent std", z.std(0).tolist())
    print("entropy gap vs a gaussian fit", 0.5 * torch.logdet(2 * torch.pi * torch.e * torch.cov(va.T)).item() - best)


if __name__ == "__main__":
    main()
