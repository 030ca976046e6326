"""REINFORCE with a moving baseline: catch falling fruit with a paddle."""
import random
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(12)
rng = random.Random(12)
W, H = 7, 6


class Catch:
    def reset(self):
        self.x, self.y, self.paddle = rng.randrange(W), 0, rng.randrange(W)
        return self.state()

    def state(self):
        return torch.tensor([self.x / (W - 1) * 2 - 1, self.y / (H - 1) * 2 - 1, self.paddle / (W - 1) * 2 - 1,
                             float(np.sign(self.x - self.paddle))])

    def step(self, a):
        self.paddle = min(W - 1, max(0, self.paddle + a - 1))
        self.y += 1
        end = self.y == H - 1
        reward = (1.0 if abs(self.x - self.paddle) <= 0 else -1.0) if end else 0.0
        return self.state(), reward, end


policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
env = Catch()


def play(greedy=False):
    s, end, logps, rewards = env.reset(), False, [], []
    while not end:
        dist = Categorical(logits=policy(s))
        a = dist.probs.argmax() if greedy else dist.sample()
        logps.append(dist.log_prob(a))
        s, r, end = env.step(a.item())
        rewards.append(r)
    return torch.stack(logps), sum(rewards)


def success(n=100):
    with torch.no_grad():
        return np.mean([play(greedy=True)[1] > 0 for _ in range(n)])


print("untrained", success())
baseline, trace = 0.0, []
for update in range(1, 101):
    losses, returns = [], []
    for _ in range(8):
        logp, ret = play()
        losses.append(-(logp.sum()) * (ret - baseline))
        returns.append(ret)
    baseline = 0.9 * baseline + 0.1 * float(np.mean(returns))
    loss = torch.stack(losses).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    trace.append(np.mean(returns))
    if update % 25 == 0:
        print(update, "mean return", round(float(np.mean(trace[-25:])), 3), "greedy success", success())
