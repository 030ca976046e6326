"""Deep Q-learning on a small frozen lake; replay memory and a target network."""
import random
from collections import deque

import torch
import torch.nn as nn

MAP = ["S...", ".H.H", "...H", "H..G"]
MOVES = [(0, -1), (1, 0), (0, 1), (-1, 0)]


class Lake:
    def __init__(self, slip, rnd):
        self.slip, self.rnd = slip, rnd

    def reset(self):
        self.r = self.c = self.t = 0
        return self.state()

    def state(self):
        s = torch.zeros(16)
        s[self.r * 4 + self.c] = 1.0
        return s

    def step(self, a):
        if self.rnd.random() < self.slip:
            a = self.rnd.randrange(4)
        dr, dc = MOVES[a]
        self.r, self.c = min(3, max(0, self.r + dr)), min(3, max(0, self.c + dc))
        self.t += 1
        cell = MAP[self.r][self.c]
        reward = {"G": 1.0, "H": -1.0}.get(cell, -0.02)
        return self.state(), reward, cell in "GH", self.t >= 40


def q_net():
    return nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 4))


@torch.no_grad()
def success_rate(q, env, games=60):
    wins = 0
    for _ in range(games):
        s, done, late = env.reset(), False, False
        while not (done or late):
            s, reward, done, late = env.step(q(s).argmax().item())
        wins += reward == 1.0
    return wins / games


def main():
    rnd = random.Random(7)
    torch.manual_seed(7)
    env, test_env = Lake(0.05, rnd), Lake(0.05, random.Random(70))
    q, target = q_net(), q_net()
    target.load_state_dict(q.state_dict())
    optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)
    memory = deque(maxlen=4000)
    steps, s = 0, env.reset()
    while steps < 3600:
        epsilon = max(0.1, 1 - steps / 2000)
        if rnd.random() < epsilon:
            a = rnd.randrange(4)
        else:
            with torch.no_grad():
                a = q(s).argmax().item()
        s2, reward, done, late = env.step(a)
        memory.append((s, a, reward, s2, float(done)))
        s = env.reset() if done or late else s2
        steps += 1
        if len(memory) >= 300 and steps % 2 == 0:
            batch = rnd.sample(memory, 64)
            states, actions, rewards, nexts, ends = zip(*batch)
            states, nexts = torch.stack(states), torch.stack(nexts)
            with torch.no_grad():
                goal = torch.tensor(rewards) + 0.9 * (1 - torch.tensor(ends)) * target(nexts).max(1).values
            value = q(states).gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
            loss = nn.functional.smooth_l1_loss(value, goal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if steps % 100 == 0:
            target.load_state_dict(q.state_dict())
        if steps % 600 == 0:
            print(f"step {steps}: epsilon {epsilon:.2f} loss {loss.item():.4f} success {success_rate(q, test_env):.2f}")


if __name__ == "__main__":
    main()
