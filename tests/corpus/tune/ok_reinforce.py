import torch, torch.nn as nn

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
opt = torch.optim.Adam(policy.parameters(), 1e-2)


def episode():
    s = torch.randn(4)
    logps, rewards = [], []
    for _ in range(20):
        d = torch.distributions.Categorical(logits=policy(s))
        a = d.sample()
        logps.append(d.log_prob(a))
        rewards.append(float(a.item() == int(s[0] > 0)))
        s = torch.randn(4)
    return torch.stack(logps), torch.tensor(rewards)


base = 0.0
for ep in range(120):
    lp, r = episode()
    G = r.flip(0).cumsum(0).flip(0)
    base = 0.9 * base + 0.1 * G.mean().item()
    loss = -(lp * (G - base)).sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if ep % 30 == 0:
        print(ep, r.mean().item())
