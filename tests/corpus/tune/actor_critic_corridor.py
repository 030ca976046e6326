"""Advantage actor-critic on a vectorised corridor world: reach the goal, avoid the pit, few steps."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class RLConfig:
    size: int = 9
    envs: int = 32
    horizon: int = 12
    updates: int = 120
    gamma: float = 0.95
    lr: float = 4e-3
    entropy: float = 0.01
    seed: int = 101


class Corridors:
    """Goal on one side, pit on the other; which is which is seen only as a flag."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.pos = torch.empty(cfg.envs, dtype=torch.long)
        self.flag = torch.empty(cfg.envs, dtype=torch.long)
        self.reset(torch.ones(cfg.envs, dtype=torch.bool))

    def reset(self, mask):
        n = int(mask.sum())
        self.pos[mask] = torch.randint(2, self.cfg.size - 2, (n,))
        self.flag[mask] = torch.randint(0, 2, (n,))

    def observe(self):
        return torch.cat([F.one_hot(self.pos, self.cfg.size), F.one_hot(self.flag, 2)], 1).float()

    def step(self, action):
        self.pos = self.pos + 2 * action - 1
        right, left = self.pos == self.cfg.size - 1, self.pos == 0
        good = torch.where(self.flag == 1, right, left)
        done = right | left
        reward = torch.where(done, torch.where(good, 1.0, -1.0), torch.tensor(-0.02))
        self.reset(done)
        return reward, done


class ActorCritic(nn.Module):
    def __init__(self, n_obs, width=48):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_obs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.policy, self.value = nn.Linear(width, 2), nn.Linear(width, 1)

    def forward(self, obs):
        h = self.trunk(obs)
        return torch.distributions.Categorical(logits=self.policy(h)), self.value(h).squeeze(-1)


def rollout(env, net, cfg):
    logp, values, rewards, dones, entropies = [], [], [], [], []
    for _ in range(cfg.horizon):
        dist, value = net(env.observe())
        action = dist.sample()
        reward, done = env.step(action)
        logp.append(dist.log_prob(action))
        entropies.append(dist.entropy())
        values.append(value)
        rewards.append(reward)
        dones.append(done)
    with torch.no_grad():
        ret = net(env.observe())[1]
    returns = []
    for r, d in zip(reversed(rewards), reversed(dones)):
        ret = r + cfg.gamma * ret * ~d
        returns.insert(0, ret)
    stack = torch.stack
    return stack(logp), stack(values), stack(returns), stack(entropies).mean(), stack(rewards).mean()


def main():
    cfg = RLConfig()
    torch.manual_seed(cfg.seed)
    env, net = Corridors(cfg), ActorCritic(cfg.size + 2)
    opt = torch.optim.Adam(net.parameters(), lr=cfg.lr)
    track = []
    for update in range(1, cfg.updates + 1):
        logp, values, returns, entropy, reward = rollout(env, net, cfg)
        advantage = (returns - values).detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        loss = -(logp * advantage).mean() + 0.5 * F.mse_loss(values, returns) - cfg.entropy * entropy
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        opt.step()
        track.append(reward.item())
        if update % 20 == 0:
            print(f"update {update:4d} reward per step {sum(track[-20:]) / 20:.3f} entropy {entropy.item():.3f}")


if __name__ == "__main__":
    main()
