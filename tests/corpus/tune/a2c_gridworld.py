import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical


class Grid:
    """Vectorised 6x6 world: reach the goal, avoid the pit, 30 steps at most."""

    def __init__(self, n, size=6, rng=None):
        self.n, self.size, self.rng = n, size, rng
        self.pos = np.zeros((n, 2), int)
        self.goal = np.zeros((n, 2), int)
        self.t = np.zeros(n, int)
        for i in range(n):
            self._reset(i)

    def _reset(self, i):
        self.pos[i] = self.rng.integers(0, self.size, 2)
        self.goal[i] = self.rng.integers(0, self.size, 2)
        while (self.goal[i] == self.pos[i]).all():
            self.goal[i] = self.rng.integers(0, self.size, 2)
        self.t[i] = 0

    def obs(self):
        return np.concatenate([self.pos / 2.5 - 1, self.goal / 2.5 - 1], 1).astype(np.float32)

    def step(self, a):
        d = np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])[a]
        self.pos = np.clip(self.pos + d, 0, self.size - 1)
        self.t += 1
        win = (self.pos == self.goal).all(1)
        done = win | (self.t >= 30)
        r = np.where(win, 1.0, -0.02).astype(np.float32)
        for i in np.flatnonzero(done):
            self._reset(i)
        return self.obs(), r, done, win


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.pi, self.v = nn.Linear(64, 4), nn.Linear(64, 1)
        nn.init.orthogonal_(self.pi.weight, 0.01)
        nn.init.zeros_(self.pi.bias)

    def forward(self, x):
        h = self.body(x)
        return self.pi(h), self.v(h).squeeze(-1)


torch.manual_seed(0)
env = Grid(32, rng=np.random.default_rng(0))
net = ActorCritic()
opt = torch.optim.RMSprop(net.parameters(), lr=2e-3, eps=1e-5)
obs = torch.from_numpy(env.obs())
gamma, lam, ep_done, ep_win = 0.95, 0.95, 0, 0


@torch.no_grad()
def greedy_success():
    e = Grid(200, rng=np.random.default_rng(123))
    first = np.zeros(200, int)
    won = np.zeros(200, bool)
    for _ in range(30):
        a = net(torch.from_numpy(e.obs()))[0].argmax(1).numpy()
        _, _, d, w = e.step(a)
        won |= w & (first == 0)
        first |= d
    return won.mean()


print("untrained greedy success", greedy_success())
for it in range(1, 161):
    logp, val, rew, don, ent = [], [], [], [], []
    for _ in range(10):
        logits, v = net(obs)
        dist = Categorical(logits=logits)
        a = dist.sample()
        o, r, d, w = env.step(a.numpy())
        logp.append(dist.log_prob(a)); val.append(v); ent.append(dist.entropy())
        rew.append(torch.from_numpy(r)); don.append(torch.from_numpy(d).float())
        obs = torch.from_numpy(o)
        ep_done += d.sum(); ep_win += w.sum()
    with torch.no_grad():
        nxt, adv, advs = net(obs)[1], 0., []
        for t in reversed(range(10)):
            delta = rew[t] + gamma * nxt * (1 - don[t]) - val[t]
            adv = delta + gamma * lam * (1 - don[t]) * adv
            advs.insert(0, adv)
            nxt = val[t]
    A = torch.stack(advs)
    V, L, H = torch.stack(val), torch.stack(logp), torch.stack(ent)
    ret = A + V.detach()
    An = (A - A.mean()) / (A.std() + 1e-6)
    loss = -(L * An).mean() + 0.5 * (V - ret).pow(2).mean() - 0.01 * H.mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    if it % 40 == 0:
        print(f"{it} loss {loss.item():.3f} entropy {H.mean().item():.2f} train success {ep_win / ep_done:.2f} greedy {greedy_success():.2f}")
        ep_done = ep_win = 0
