"""REINFORCE with a learned baseline on a corridor with a slippery floor."""
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(2)
LENGTH, MAX_STEPS = 7, 24


class Corridor:
    """Start in the middle; the left end pays 0.2, the right end 1."""

    def reset(self):
        self.pos, self.t = LENGTH // 2, 0
        return self.obs()

    def obs(self):
        return nn.functional.one_hot(torch.tensor(self.pos), LENGTH).float()

    def step(self, action):
        move = 1 if action == 1 else -1
        if torch.rand(()) < 0.15:
            move = -move
        self.pos += move
        self.t += 1
        done = self.pos in (0, LENGTH - 1) or self.t >= MAX_STEPS
        reward = 1.0 if self.pos == LENGTH - 1 else 0.2 if self.pos == 0 else 0.0
        return self.obs(), reward - 0.01, done


policy = nn.Sequential(nn.Linear(LENGTH, 32), nn.Tanh(), nn.Linear(32, 2))
value = nn.Sequential(nn.Linear(LENGTH, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=5e-3)
env = Corridor()


def episode():
    obs, done = env.reset(), False
    states, actions, rewards = [], [], []
    while not done:
        with torch.no_grad():
            a = Categorical(logits=policy(obs)).sample().item()
        states.append(obs)
        actions.append(a)
        obs, r, done = env.step(a)
        rewards.append(r)
    returns, g = [], 0.0
    for r in reversed(rewards):
        g = r + 0.98 * g
        returns.insert(0, g)
    return states, actions, returns, sum(rewards)


for update in range(1, 61):
    S, A, R, scores = [], [], [], []
    for _ in range(8):
        s, a, r, total = episode()
        S += s; A += a; R += r
        scores.append(total)
    s, a, r = torch.stack(S), torch.tensor(A), torch.tensor(R)
    v = value(s).squeeze(1)
    adv = r - v.detach()
    dist = Categorical(logits=policy(s))
    loss = -(dist.log_prob(a) * adv).mean() + 0.5 * (r - v).pow(2).mean() - 0.01 * dist.entropy().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if update % 10 == 0:
        print(f"update {update}: mean score {sum(scores) / len(scores):.3f} loss {loss.item():.3f}")
