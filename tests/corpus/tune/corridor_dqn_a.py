"""DQN with replay and a target network on a small grid."""
import random
from collections import deque

import torch
import torch.nn as nn

random.seed(0)
torch.manual_seed(0)


class Grid:
    """5x5 board, start anywhere, goal in a corner, a pit in the middle."""
    SIZE, GOAL, PIT = 5, (4, 4), (2, 2)
    MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]

    def reset(self):
        while True:
            self.pos = (random.randrange(5), random.randrange(5))
            if self.pos not in (self.GOAL, self.PIT):
                break
        self.t = 0
        return self.obs()

    def obs(self):
        v = torch.zeros(25)
        v[self.pos[0] * 5 + self.pos[1]] = 1.0
        return v

    def step(self, a):
        r, c = self.pos[0] + self.MOVES[a][0], self.pos[1] + self.MOVES[a][1]
        self.pos = (min(max(r, 0), 4), min(max(c, 0), 4))
        self.t += 1
        if self.pos == self.GOAL:
            return self.obs(), 1.0, True
        if self.pos == self.PIT:
            return self.obs(), -1.0, True
        return self.obs(), -0.02, self.t >= 30


def make_net():
    return nn.Sequential(nn.Linear(25, 64), nn.ReLU(), nn.Linear(64, 4))


class Agent:
    def __init__(self, gamma=0.95, lr=2e-3):
        self.q, self.target = make_net(), make_net()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)
        self.memory = deque(maxlen=4000)
        self.gamma = gamma

    def act(self, s, eps):
        if random.random() < eps:
            return random.randrange(4)
        with torch.no_grad():
            return int(self.q(s).argmax())

    def learn(self, batch_size=64):
        batch = random.sample(self.memory, batch_size)
        s, a, r, s2, done = zip(*batch)
        s, s2 = torch.stack(s), torch.stack(s2)
        a, r, done = torch.tensor(a), torch.tensor(r), torch.tensor(done, dtype=torch.float32)
        q_sa = self.q(s).gather(1, a.unsqueeze(1))
        with torch.no_grad():
            target = r + self.gamma * (1 - done) * self.target(s2).max(1).values
        loss = (q_sa - target).pow(2).mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


env, agent = Grid(), Agent()
steps, returns, losses = 0, [], []
for episode in range(120):
    s, total, done = env.reset(), 0.0, False
    eps = max(0.05, 1.0 - episode / 60)
    while not done:
        a = agent.act(s, eps)
        s2, r, done = env.step(a)
        agent.memory.append((s, a, r, s2, done))
        s, total, steps = s2, total + r, steps + 1
        if len(agent.memory) >= 200 and steps % 2 == 0:
            losses.append(agent.learn())
        if steps % 100 == 0:
            agent.target.load_state_dict(agent.q.state_dict())
    returns.append(total)
    if (episode + 1) % 20 == 0:
        print(f"episode {episode + 1}: mean return {sum(returns[-20:]) / 20:.3f}, updates {len(losses)}, loss {losses[-1] if losses else 0:.4f}")
