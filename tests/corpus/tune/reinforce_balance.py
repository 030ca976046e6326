"""REINFORCE with a learned baseline on a small pole-balancing simulation (batched)."""
import torch
import torch.nn as nn

torch.manual_seed(1)


class Poles:
    """A batch of inverted pendulums on carts; an episode is at most `limit` steps long."""

    def __init__(self, n, limit=50):
        self.n, self.limit = n, limit

    def reset(self):
        self.state = 0.1 * (torch.rand(self.n, 4) - 0.5)
        self.alive = torch.ones(self.n, dtype=torch.bool)
        return self.state

    def step(self, action):
        x, v, th, w = self.state.unbind(1)
        force = torch.where(action == 1, 10.0, -10.0)
        temp = (force + 0.05 * w ** 2 * th.sin()) / 1.1
        acc_w = (9.8 * th.sin() - th.cos() * temp) / (0.5 * (4 / 3 - 0.1 * th.cos() ** 2 / 1.1))
        acc_v = temp - 0.05 * acc_w * th.cos() / 1.1
        dt = 0.04
        self.state = torch.stack([x + dt * v, v + dt * acc_v, th + dt * w, w + dt * acc_w], 1)
        reward = self.alive.float()
        self.alive = self.alive & (self.state[:, 2].abs() < 0.21) & (self.state[:, 0].abs() < 2.4)
        return self.state, reward


policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
value = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam([{"params": policy.parameters(), "lr": 1e-2}, {"params": value.parameters(), "lr": 1e-2}])
SCALE = torch.tensor([1.0, 1.0, 8.0, 1.0])
env = Poles(32)


def rollout():
    log_probs, values, rewards = [], [], []
    state = env.reset()
    for _ in range(env.limit):
        obs = state * SCALE
        dist = torch.distributions.Categorical(logits=policy(obs))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        values.append(value(obs).squeeze(1))
        state, reward = env.step(action)
        rewards.append(reward)
        if not env.alive.any():
            break
    return torch.stack(log_probs), torch.stack(values), torch.stack(rewards)


def returns_of(rewards, gamma=0.97):
    out, running = torch.zeros_like(rewards), torch.zeros(rewards.shape[1])
    for t in range(len(rewards) - 1, -1, -1):
        running = rewards[t] + gamma * running
        out[t] = running
    return out / 10


for update in range(1, 51):
    log_probs, values, rewards = rollout()
    returns = returns_of(rewards)
    mask = rewards
    advantage = (returns - values).detach()
    policy_loss = -(log_probs * advantage * mask).sum() / mask.sum()
    value_loss = ((returns - values) ** 2 * mask).sum() / mask.sum()
    loss = policy_loss + 0.5 * value_loss
    opt.zero_grad()
    loss.backward()
    opt.step()
    if update % 10 == 0:
        print(f"update {update}: mean length {rewards.sum(0).mean():.1f} of {env.limit}, value loss {value_loss.item():.3f}")
