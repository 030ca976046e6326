"""DQN on a small grid world with walls, replay buffer and target network."""
import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

Transition = namedtuple("Transition", "s a r s2 done")


class Grid:
    """5x5, start anywhere, goal in a corner, two wall cells, -0.05 a move, +1 at the goal."""
    MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    WALLS = {(1, 3), (3, 1), (2, 2)}

    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        while True:
            self.p = (self.rng.randrange(5), self.rng.randrange(5))
            if self.p != (4, 4) and self.p not in self.WALLS:
                break
        self.t = 0
        return self.obs()

    def obs(self):
        v = np.zeros(25, dtype=np.float32)
        v[self.p[0] * 5 + self.p[1]] = 1
        return v

    def step(self, a):
        m = self.MOVES[a]
        q = (min(4, max(0, self.p[0] + m[0])), min(4, max(0, self.p[1] + m[1])))
        if q not in self.WALLS:
            self.p = q
        self.t += 1
        goal = self.p == (4, 4)
        return self.obs(), (1.0 if goal else -0.05), goal, goal or self.t >= 30


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(25, 48), nn.ReLU(), nn.Linear(48, 4))

    def forward(self, x):
        return self.net(x)


class Agent:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.q, self.target = QNet(), QNet()
        self.target.load_state_dict(self.q.state_dict())
        self.opt = torch.optim.Adam(self.q.parameters(), lr=2e-3)
        self.buffer = deque(maxlen=5000)

    def act(self, s, eps):
        if self.rng.random() < eps:
            return self.rng.randrange(4)
        with torch.no_grad():
            return int(self.q(torch.from_numpy(s)[None]).argmax())

    def learn(self, batch=64, gamma=0.95):
        b = Transition(*zip(*self.rng.sample(self.buffer, batch)))
        s, s2 = torch.from_numpy(np.stack(b.s)), torch.from_numpy(np.stack(b.s2))
        a, r = torch.tensor(b.a), torch.tensor(b.r)
        done = torch.tensor(b.done, dtype=torch.float32)
        q = self.q(s).gather(1, a[:, None]).squeeze(1)
        with torch.no_grad():
            goal = r + gamma * (1 - done) * self.target(s2).max(1).values
        loss = F.smooth_l1_loss(q, goal)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


def evaluate(agent, env, n=20):
    rets = []
    for _ in range(n):
        s, tot, over = env.reset(), 0.0, False
        while not over:
            s, r, _, over = env.step(agent.act(s, 0.0))
            tot += r
        rets.append(tot)
    return np.mean(rets)


def main():
    torch.manual_seed(0)
    env, test_env = Grid(random.Random(1)), Grid(random.Random(2))
    agent = Agent(3)
    print("random policy net", evaluate(agent, test_env))
    steps, losses = 0, deque(maxlen=200)
    for ep in range(1, 201):
        s, over = env.reset(), False
        eps = max(0.05, 1 - ep / 120)
        while not over:
            a = agent.act(s, eps)
            s2, r, done, over = env.step(a)
            agent.buffer.append(Transition(s, a, r, s2, done))
            s = s2
            steps += 1
            if len(agent.buffer) >= 200:
                losses.append(agent.learn())
            if steps % 150 == 0:
                agent.target.load_state_dict(agent.q.state_dict())
        if ep % 40 == 0:
            print(f"episode {ep} steps {steps} loss {np.mean(losses):.4f} return {evaluate(agent, test_env):.3f}")


if __name__ == "__main__":
    main()
