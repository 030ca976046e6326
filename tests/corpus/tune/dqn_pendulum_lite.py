import copy, random
from collections import deque
import torch, torch.nn as nn, torch.nn.functional as F


class CartGoal:
    """1-d cart with momentum: push left / coast / right, bring it to rest at the origin."""
    def reset(self):
        self.x, self.v, self.t = random.uniform(-1, 1), random.uniform(-.3, .3), 0
        return self.s()
    def s(self):
        return (self.x, 2 * self.v)
    def step(self, a):
        self.v = 0.95 * self.v + 0.06 * (a - 1)
        self.x = max(-1.5, min(1.5, self.x + self.v))
        self.t += 1
        r = -abs(self.x) - 0.3 * abs(self.v)
        return self.s(), 0.2 * r, self.t >= 40


class Dueling(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.adv, self.val = nn.Linear(48, 3), nn.Linear(48, 1)
    def forward(self, x):
        h = self.f(x)
        a = self.adv(h)
        return self.val(h) + a - a.mean(1, keepdim=True)


random.seed(4); torch.manual_seed(4)
q = Dueling(); tgt = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), 1e-3)
buf, env = deque(maxlen=5000), CartGoal()


def evaluate(policy, n=20):
    st = random.getstate(); random.seed(999)
    tot = 0
    e = CartGoal()
    for _ in range(n):
        s, done = e.reset(), False
        while not done:
            s, r, done = e.step(policy(s))
            tot += r
    random.setstate(st)
    return tot / n


@torch.no_grad()
def greedy(s):
    return int(q(torch.tensor([s])).argmax(1))


print("random policy", evaluate(lambda s: random.randrange(3)))
s, steps, losses = env.reset(), 0, []
best, best_state = -1e9, None
while steps < 2400:
    eps = max(0.05, 1 - steps / 1200)
    a = random.randrange(3) if random.random() < eps else greedy(s)
    s2, r, done = env.step(a)
    buf.append((s, a, r, s2))
    s = env.reset() if done else s2
    steps += 1
    if len(buf) < 300 or steps % 2:
        continue
    S, A, R, S2 = zip(*random.sample(buf, 64))
    S, A, R, S2 = torch.tensor(S), torch.tensor(A), torch.tensor(R), torch.tensor(S2)
    with torch.no_grad():
        y = R + 0.95 * tgt(S2).gather(1, q(S2).argmax(1, keepdim=True)).squeeze(1)
    loss = F.smooth_l1_loss(q(S).gather(1, A[:, None]).squeeze(1), y)
    opt.zero_grad(); loss.backward(); opt.step()
    losses.append(loss.item())
    for p, t in zip(q.parameters(), tgt.parameters()):
        t.data.mul_(0.98).add_(p.data, alpha=0.02)
    if steps % 400 == 0:
        ret = evaluate(greedy)
        if ret > best:
            best, best_state = ret, copy.deepcopy(q.state_dict())
        print(f"steps {steps} td {sum(losses[-150:]) / 150:.4f} return {ret:.3f}")
q.load_state_dict(best_state)
print("kept", best)
