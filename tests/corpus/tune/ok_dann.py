import torch
from torch import nn
from torch.autograd import Function
from torch.utils.data import DataLoader, TensorDataset
from itertools import cycle


class ReverseLayerF(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.neg() * ctx.alpha, None


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.class_classifier = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
        self.domain_classifier = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2), nn.LogSoftmax(dim=1))

    def forward(self, x, alpha):
        f = self.feature(x)
        return self.class_classifier(f), self.domain_classifier(ReverseLayerF.apply(f, alpha))


torch.manual_seed(2)
c = torch.randn(3, 10)
ys = torch.randint(0, 3, (900,)); xs = c[ys] * 1.5 + torch.randn(900, 10)
yt = torch.randint(0, 3, (900,)); xt = c[yt] * 1.5 + torch.randn(900, 10) + 0.7
src = DataLoader(TensorDataset(xs, ys), 32, shuffle=True, drop_last=True)
tgt = DataLoader(TensorDataset(xt[:600], yt[:600]), 32, shuffle=True, drop_last=True)
tst = DataLoader(TensorDataset(xt[600:], yt[600:]), 100)
net = DANN()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_class, loss_domain = nn.CrossEntropyLoss(), nn.NLLLoss()
E_ = 6
for epoch in range(E_):
    net.train()
    for i, ((s, ls), (t, _)) in enumerate(zip(src, cycle(tgt))):
        p = (i + epoch * len(src)) / (E_ * len(src))
        alpha = 2. / (1. + torch.exp(torch.tensor(-10 * p)).item()) - 1
        net.zero_grad()
        co, do = net(s, alpha)
        err_s_label = loss_class(co, ls)
        err_s_domain = loss_domain(do, torch.zeros(len(s)).long())
        _, do = net(t, alpha)
        err_t_domain = loss_domain(do, torch.ones(len(t)).long())
        err = err_t_domain + err_s_domain + err_s_label
        err.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, sum((net(x, 0)[0].argmax(1) == y).sum().item() for x, y in tst) / 300)
