"""REINFORCE with a running baseline on a windy corridor."""
import torch
from torch import nn
from torch.distributions import Categorical

LENGTH, HORIZON, ENVS = 7, 25, 16


class Corridor:
    """Start left, the exit is on the right; wind blows one step back now and then. Each step costs 0.1."""

    def __init__(self, n, gen):
        self.n, self.gen = n, gen
        self.pos = torch.zeros(n, dtype=torch.long)
        self.done = torch.zeros(n, dtype=torch.bool)

    def observe(self):
        return nn.functional.one_hot(self.pos, LENGTH).float()

    def step(self, action):
        wind = (torch.rand(self.n, generator=self.gen) < 0.15).long()
        move = 2 * action - 1 - wind
        self.pos = (self.pos + torch.where(self.done, 0, move)).clamp(0, LENGTH - 1)
        arrived = (self.pos == LENGTH - 1) & ~self.done
        reward = torch.where(self.done, 0.0, torch.where(arrived, 1.0, -0.1))
        self.done |= arrived
        return reward


def rollout(policy, gen, envs=ENVS):
    env = Corridor(envs, gen)
    log_probs, rewards, alive = [], [], []
    for _ in range(HORIZON):
        alive.append((~env.done).float())
        dist = Categorical(logits=policy(env.observe()))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        rewards.append(env.step(action))
        if env.done.all():
            break
    return torch.stack(log_probs), torch.stack(rewards), torch.stack(alive)


def main():
    torch.manual_seed(2)
    gen = torch.Generator().manual_seed(2)
    policy = nn.Sequential(nn.Linear(LENGTH, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    baseline = 0.0
    for episode in range(1, 81):
        log_probs, rewards, alive = rollout(policy, gen)
        returns = rewards.flip(0).cumsum(0).flip(0)
        baseline = 0.9 * baseline + 0.1 * returns[0].mean().item()
        advantage = (returns - returns.mean()) / (returns.std() + 1e-6)
        loss = -(log_probs * advantage * alive).sum() / alive.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if episode % 10 == 0:
            with torch.no_grad():
                _, r, _ = rollout(policy, gen, envs=100)
            print(f"episode {episode:3d}: running return {baseline:6.2f}, test return {r.sum(0).mean().item():6.2f}")


if __name__ == "__main__":
    main()
