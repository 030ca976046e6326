import random
from collections import deque

import torch
import torch.nn as nn


class Grid:
    """5x5 grid, start in a random free cell, goal in the corner, a pit in the middle."""
    MOVES = [(0, 1), (1, 0), (0, -1), (-1, 0)]

    def reset(self):
        while True:
            self.pos = (random.randrange(5), random.randrange(5))
            if self.pos not in ((4, 4), (2, 2)):
                break
        self.t = 0
        return self.obs()

    def obs(self):
        v = torch.zeros(25)
        v[self.pos[0] * 5 + self.pos[1]] = 1
        return v

    def step(self, a):
        dx, dy = self.MOVES[a]
        self.pos = (min(4, max(0, self.pos[0] + dx)), min(4, max(0, self.pos[1] + dy)))
        self.t += 1
        if self.pos == (4, 4):
            return self.obs(), 1.0, True
        if self.pos == (2, 2):
            return self.obs(), -1.0, True
        return self.obs(), -0.02, self.t >= 30


class Agent:
    def __init__(self, lr=2e-3, gamma=0.95):
        self.q = nn.Sequential(nn.Linear(25, 64), nn.ReLU(), nn.Linear(64, 4))
        self.q_target = nn.Sequential(nn.Linear(25, 64), nn.ReLU(), nn.Linear(64, 4))
        self.q_target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)
        self.memory = deque(maxlen=3000)
        self.gamma = gamma
        self.updates = 0

    def act(self, s, eps):
        if random.random() < eps:
            return random.randrange(4)
        with torch.no_grad():
            return self.q(s).argmax().item()

    def learn(self, batch_size=64):
        if len(self.memory) < 200:
            return
        s, a, r, s2, done = zip(*random.sample(self.memory, batch_size))
        s, s2 = torch.stack(s), torch.stack(s2)
        a, r, done = torch.tensor(a), torch.tensor(r), torch.tensor(done, dtype=torch.float32)
        with torch.no_grad():
            target = r + self.gamma * (1 - done) * self.q_target(s2).max(1).values
        value = self.q(s).gather(1, a.unsqueeze(1)).squeeze(1)
        loss = nn.functional.smooth_l1_loss(value, target)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.updates += 1
        if self.updates % 50 == 0:
            self.q_target.load_state_dict(self.q.state_dict())


def play(agent, env, eps, learn):
    s, done, ret = env.reset(), False, 0.0
    while not done:
        a = agent.act(s, eps)
        s2, r, done = env.step(a)
        if learn:
            agent.memory.append((s, a, r, s2, done))
            agent.learn()
        s, ret = s2, ret + r
    return ret


if __name__ == "__main__":
    random.seed(0)
    torch.manual_seed(0)
    env, agent = Grid(), Agent()
    for episode in range(160):
        play(agent, env, eps=max(0.05, 1 - episode / 80), learn=True)
        if episode % 40 == 39:
            score = sum(play(agent, env, 0.0, learn=False) for _ in range(30)) / 30
            print(f"episode {episode + 1}: greedy return {score:.3f} after {agent.updates} updates")
