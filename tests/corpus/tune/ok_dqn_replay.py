import random, collections, torch, torch.nn as nn

torch.manual_seed(0)
random.seed(0)
q, qt = (nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3)) for _ in range(2))
qt.load_state_dict(q.state_dict())
qt.eval()
opt = torch.optim.Adam(q.parameters(), 1e-3)
mem = collections.deque(maxlen=2000)
s = torch.zeros(2)
for step in range(600):
    a = random.randrange(3) if random.random() < 0.2 else q(s).argmax().item()
    s2 = (s + torch.tensor([a - 1.0, 0.1])).clamp(-3, 3)
    r = -abs(s2[0].item() - 1)
    mem.append((s, a, r, s2))
    s = s2 if step % 40 else torch.randn(2)
    if len(mem) > 64:
        b = random.sample(mem, 32)
        S, A, R, S2 = (
            torch.stack([e[0] for e in b]),
            torch.tensor([e[1] for e in b]),
            torch.tensor([e[2] for e in b]),
            torch.stack([e[3] for e in b]),
        )
        with torch.no_grad():
            y = R + 0.9 * qt(S2).max(1).values
        l = nn.functional.smooth_l1_loss(q(S).gather(1, A[:, None]).squeeze(1), y)
        opt.zero_grad()
        l.backward()
        opt.step()
    if step % 50 == 0:
        qt.load_state_dict(q.state_dict())
print(l.item())
