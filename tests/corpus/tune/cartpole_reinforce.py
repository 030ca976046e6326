import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(5)
rng = np.random.default_rng(5)


class CartPole:
    """Textbook cart-pole with Euler steps."""

    def reset(self):
        self.s = rng.uniform(-0.05, 0.05, 4)
        self.t = 0
        return self.s

    def step(self, action):
        x, v, th, w = self.s
        force = 10.0 if action else -10.0
        c, s = np.cos(th), np.sin(th)
        tmp = (force + 0.05 * w * w * s) / 1.1
        alpha = (9.8 * s - c * tmp) / (0.5 * (4 / 3 - 0.1 * c * c / 1.1))
        acc = tmp - 0.05 * alpha * c / 1.1
        self.s = np.array([x + 0.02 * v, v + 0.02 * acc, th + 0.02 * w, w + 0.02 * alpha])
        self.t += 1
        fell = abs(self.s[0]) > 2.4 or abs(self.s[2]) > 0.21
        return self.s, 1.0, bool(fell or self.t >= 120)


policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
baseline = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam([
    {"params": policy.parameters(), "lr": 1e-2},
    {"params": baseline.parameters(), "lr": 1e-2},
])
scale = torch.tensor([1.0, 1.0, 5.0, 1.0])
env, recent = CartPole(), []

for episode in range(120):
    obs, done = env.reset(), False
    states, log_probs, rewards = [], [], []
    while not done:
        s = torch.tensor(obs, dtype=torch.float32) * scale
        dist = Categorical(logits=policy(s))
        a = dist.sample()
        obs, r, done = env.step(a.item())
        states.append(s); log_probs.append(dist.log_prob(a)); rewards.append(r)

    g, returns = 0.0, []
    for r in reversed(rewards):
        g = r + 0.98 * g
        returns.insert(0, g)
    returns = torch.tensor(returns) / 20.0
    values = baseline(torch.stack(states)).squeeze(1)
    adv = returns - values.detach()
    adv = (adv - adv.mean()) / (adv.std() + 1e-6) if len(adv) > 1 else adv
    loss = -(torch.stack(log_probs) * adv).mean() + 0.5 * (returns - values).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()

    recent.append(len(rewards))
    if episode % 20 == 19:
        print(f"episode {episode + 1:3d} mean length {np.mean(recent[-20:]):.1f} loss {loss.item():+.3f}")
