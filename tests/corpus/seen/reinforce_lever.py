"""REINFORCE with a learned baseline on a contextual task (keep a point mass near zero)."""
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(17)


class Mass:
    """32 point masses in parallel; three forces."""

    def __init__(self, n=32):
        self.n = n

    def reset(self):
        self.x = torch.rand(self.n) * 2 - 1
        self.v = torch.zeros(self.n)
        return torch.stack([self.x, self.v], 1)

    def step(self, a):
        self.v = 0.9 * self.v + 0.15 * (a.float() - 1)
        self.x = self.x + self.v
        return torch.stack([self.x, self.v], 1), -self.x.abs().clamp(max=2)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 32), nn.Tanh())
        self.action = nn.Linear(32, 3)
        self.value = nn.Linear(32, 1)

    def forward(self, s):
        h = self.body(s)
        return Categorical(logits=self.action(h)), self.value(h).squeeze(-1)


env, policy = Mass(), Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for it in range(1, 121):
    s, logps, values, rewards, entropies = env.reset(), [], [], [], []
    for _ in range(15):
        dist, v = policy(s)
        a = dist.sample()
        s, r = env.step(a)
        logps.append(dist.log_prob(a)); values.append(v); rewards.append(r); entropies.append(dist.entropy())
    ret, returns = torch.zeros(env.n), []
    for r in reversed(rewards):
        ret = r + 0.95 * ret
        returns.insert(0, ret)
    G, V = torch.stack(returns), torch.stack(values)
    adv = (G - V).detach()
    adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    loss = -(torch.stack(logps) * adv).mean() + 0.5 * (G - V).pow(2).mean() - 0.01 * torch.stack(entropies).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    if it % 20 == 0:
        print(f"iteration {it}: mean return {torch.stack(rewards).sum(0).mean():.2f} entropy {entropies[0].mean():.2f}")
