import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
z = torch.randn(2000, 6); A, B = torch.randn(6, 24), torch.randn(6, 30)
img, txt = z @ A + 0.3 * torch.randn(2000, 24), z @ B + 0.3 * torch.randn(2000, 30)
class CLIP(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = nn.Sequential(nn.Linear(24, 64), nn.GELU(), nn.Linear(64, 16))
        self.text = nn.Sequential(nn.Linear(30, 64), nn.GELU(), nn.Linear(64, 16))
        self.logit_scale = nn.Parameter(torch.tensor(2.659))
    def forward(self, a, b):
        a, b = F.normalize(self.visual(a), dim=-1), F.normalize(self.text(b), dim=-1)
        l = self.logit_scale.exp() * a @ b.t()
        return l, l.t()
m = CLIP(); o = torch.optim.AdamW(m.parameters(), 1e-3, weight_decay=0.1)
for ep in range(8):
    m.train()
    for i in torch.randperm(1600).split(64):
        li, lt = m(img[i], txt[i]); lab = torch.arange(len(i))
        loss = (F.cross_entropy(li, lab) + F.cross_entropy(lt, lab)) / 2
        o.zero_grad(); loss.backward(); o.step()
    m.eval()
    with torch.no_grad():
        li, _ = m(img[1600:], txt[1600:]); print(ep, loss.item(), (li.argmax(1) == torch.arange(400)).float().mean().item())
