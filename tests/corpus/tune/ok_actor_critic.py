import torch, torch.nn as nn

torch.manual_seed(0)


class AC(nn.Module):
    def __init__(self):
        super().__init__()
        self.b = nn.Sequential(nn.Linear(3, 32), nn.ReLU())
        self.p, self.v = nn.Linear(32, 2), nn.Linear(32, 1)

    def forward(self, s):
        h = self.b(s)
        return self.p(h), self.v(h).squeeze(-1)


net = AC()
opt = torch.optim.RMSprop(net.parameters(), 3e-3)
s = torch.randn(16, 3)
for it in range(150):
    lp, vs, rs, en = [], [], [], []
    for _ in range(5):
        lg, v = net(s)
        d = torch.distributions.Categorical(logits=lg)
        a = d.sample()
        r = (a == (s[:, 0] > s[:, 1]).long()).float()
        s = torch.randn(16, 3)
        lp.append(d.log_prob(a))
        vs.append(v)
        rs.append(r)
        en.append(d.entropy())
    with torch.no_grad():
        R = net(s)[1]
    loss = 0
    for l, v, r, e in zip(lp[::-1], vs[::-1], rs[::-1], en[::-1]):
        R = r + 0.9 * R
        adv = R - v
        loss = loss + (-(l * adv.detach()) + 0.5 * adv.pow(2) - 0.01 * e).mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    opt.step()
print(torch.stack(rs).mean())
