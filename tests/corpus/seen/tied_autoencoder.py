import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class TiedAE(nn.Module):
    """The decoder uses the transposed weights of the encoder."""

    def __init__(self, sizes=(64, 32, 10)):
        super().__init__()
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(o, i) / math.sqrt(i)) for i, o in zip(sizes, sizes[1:]))
        self.enc_bias = nn.ParameterList(nn.Parameter(torch.zeros(o)) for o in sizes[1:])
        self.dec_bias = nn.ParameterList(nn.Parameter(torch.zeros(i)) for i in sizes[:-1])

    def forward(self, x):
        for k, (w, b) in enumerate(zip(self.weights, self.enc_bias)):
            x = F.linear(x, w, b)
            if k < len(self.weights) - 1:
                x = F.elu(x)
        for k in reversed(range(len(self.weights))):
            x = F.linear(x, self.weights[k].t(), self.dec_bias[k])
            if k > 0:
                x = F.elu(x)
        return x


torch.manual_seed(29)
px = torch.tensor(load_digits().data, dtype=torch.float32)
px = px[torch.randperm(len(px))]
px = (px - px[:1500].mean()) / px[:1500].std()
ae = TiedAE()
opt = torch.optim.Adam(ae.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.93)
for epoch in range(18):
    ae.train()
    s = 0.0
    for ids in torch.randperm(1500).split(50):
        loss = F.mse_loss(ae(px[ids]), px[ids])
        opt.zero_grad()
        loss.backward()
        opt.step()
        s += loss.item()
    sched.step()
    ae.eval()
    with torch.no_grad():
        v = F.mse_loss(ae(px[1500:]), px[1500:]).item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1:2d}  train {s / 30:.4f}  test {v:.4f}")
