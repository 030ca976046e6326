# kernel learning: parameters without a module
import torch
torch.manual_seed(0)
x = torch.linspace(0, 6, 60)[:, None]; y = torch.sin(2 * x[:, 0]) + 0.1 * torch.randn(60)
log_l, log_s, log_n = (torch.tensor(v, requires_grad=True) for v in (0.0, 0.0, -1.0))
opt = torch.optim.Adam([log_l, log_s, log_n], lr=0.05)
for i in range(150):
    K = log_s.exp() * torch.exp(-0.5 * (x - x.T) ** 2 / log_l.exp() ** 2) + log_n.exp() * torch.eye(60)
    Lc = torch.linalg.cholesky(K); a = torch.cholesky_solve(y[:, None], Lc)
    nll = 0.5 * y @ a[:, 0] + Lc.diagonal().log().sum()
    opt.zero_grad(); nll.backward(); opt.step()
print(log_l.exp().item(), nll.item())
