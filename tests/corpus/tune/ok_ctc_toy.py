import torch
from torch import nn
torch.manual_seed(0)
def batch(n=32):
    L = torch.randint(3, 6, (n,)); ys = [torch.randint(1, 6, (int(l),)) for l in L]; T = 18
    x = torch.randn(n, T, 8) * 0.2
    for i, y in enumerate(ys):
        for j, c in enumerate(y): x[i, j * 3: j * 3 + 2, c] += 2
    return x, torch.cat(ys), torch.full((n,), T), L
class Net(nn.Module):
    def __init__(self): super().__init__(); self.rnn = nn.GRU(8, 32, batch_first=True, bidirectional=True); self.fc = nn.Linear(64, 6)
    def forward(self, x): return self.fc(self.rnn(x)[0]).log_softmax(-1).transpose(0, 1)
net, ctc = Net(), nn.CTCLoss(blank=0, zero_infinity=True); opt = torch.optim.Adam(net.parameters(), 5e-3)
for it in range(150):
    x, y, tx, ty = batch(); loss = ctc(net(x), y, tx, ty); opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(net.parameters(), 5); opt.step()
    if it % 50 == 0: print(it, loss.item())
