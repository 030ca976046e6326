from dataclasses import dataclass
import torch
import torch.nn as nn
from torch.distributions import Normal


@dataclass
class Args:
    n_envs: int = 32
    horizon: int = 40
    iters: int = 30
    epochs: int = 4
    minibatch: int = 320
    lr: float = 2e-3
    clip: float = 0.2
    gamma: float = 0.95
    lam: float = 0.9


class PointMass:
    """2-d point with drag, thrust actions, target changes each episode"""
    def __init__(self, n, g):
        self.n, self.g = n, g
        self.p, self.v, self.goal, self.t = torch.zeros(n, 2), torch.zeros(n, 2), torch.zeros(n, 2), torch.zeros(n)
        self.reset(torch.ones(n, dtype=torch.bool))

    def reset(self, m):
        r = lambda: torch.rand(self.n, 2, generator=self.g) * 2 - 1
        self.p = torch.where(m[:, None], r(), self.p)
        self.goal = torch.where(m[:, None], r(), self.goal)
        self.v = torch.where(m[:, None], torch.zeros(self.n, 2), self.v)
        self.t = torch.where(m, torch.zeros(self.n), self.t)

    def obs(self):
        return torch.cat([self.p, 3 * self.v, self.goal - self.p], 1)

    def step(self, a):
        self.v = 0.8 * self.v + 0.1 * a.clamp(-1, 1)
        self.p = (self.p + self.v).clamp(-2, 2)
        self.t += 1
        r = 0.3 * (0.7 - (self.goal - self.p).norm(dim=1))
        done = self.t >= 20
        self.reset(done)
        return r, done


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        mk = lambda o: nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, o))
        self.mu, self.value = mk(2), mk(1)
        self.log_std = nn.Parameter(torch.full((2,), -0.5))
        with torch.no_grad():
            self.mu[-1].weight.mul_(0.05)

    def dist(self, o):
        return Normal(self.mu(o), self.log_std.exp())


@torch.no_grad()
def evaluate(agent):
    env = PointMass(100, torch.Generator().manual_seed(55))
    tot = 0.
    for _ in range(20):
        r, _ = env.step(agent.mu(env.obs()))
        tot += r.mean().item()
    return tot


args = Args()
torch.manual_seed(3)
env, agent = PointMass(args.n_envs, torch.Generator().manual_seed(4)), Agent()
opt = torch.optim.Adam(agent.parameters(), lr=args.lr, eps=1e-5)
print("untrained return", evaluate(agent))
for it in range(args.iters):
    opt.param_groups[0]["lr"] = args.lr * (1 - it / args.iters)
    O, A, LP, R, V, D = [], [], [], [], [], []
    with torch.no_grad():
        for _ in range(args.horizon):
            o = env.obs()
            d = agent.dist(o)
            a = d.sample()
            r, done = env.step(a)
            for l, v in zip((O, A, LP, R, V, D), (o, a, d.log_prob(a).sum(1), r, agent.value(o).squeeze(1), done.float())):
                l.append(v)
        nv, adv, ad = agent.value(env.obs()).squeeze(1), 0., [None] * args.horizon
        for t in reversed(range(args.horizon)):
            delta = R[t] + args.gamma * nv * (1 - D[t]) - V[t]
            ad[t] = adv = delta + args.gamma * args.lam * (1 - D[t]) * adv
            nv = V[t]
        O, A, LP, V, ad = torch.cat(O), torch.cat(A), torch.cat(LP), torch.cat(V), torch.cat(ad)
        ret = ad + V
    pg = vl = 0.
    for _ in range(args.epochs):
        for i in torch.randperm(len(O)).split(args.minibatch):
            d = agent.dist(O[i])
            ratio = (d.log_prob(A[i]).sum(1) - LP[i]).exp()
            w = (ad[i] - ad[i].mean()) / (ad[i].std() + 1e-8)
            lp = -torch.min(ratio * w, ratio.clamp(1 - args.clip, 1 + args.clip) * w).mean()
            lv = 0.5 * (agent.value(O[i]).squeeze(1) - ret[i]).pow(2).mean()
            opt.zero_grad()
            (lp + lv - 0.001 * d.entropy().sum(1).mean()).backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 1.0)
            opt.step()
            pg += lp.item(); vl += lv.item()
    if it % 5 == 4:
        print(f"iter {it} policy {pg / 16:.4f} value {vl / 16:.4f} return {evaluate(agent):.3f} std {agent.log_std.exp().mean().item():.2f}")
