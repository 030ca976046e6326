import torch
from torch import nn
torch.manual_seed(0); x = torch.randn(1200, 3, 8, 8); y = (x.mean((2, 3)).argmax(1)); x = x + torch.nn.functional.one_hot(y, 3)[:, :, None, None] * 0.4
body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()); head = nn.Linear(16, 3); net = nn.Sequential(body, head)
def stage(epochs, lr, frozen):
    for p in body.parameters(): p.requires_grad_(not frozen)
    opt = torch.optim.AdamW(filter(lambda p: p.requires_grad, net.parameters()), lr=lr)
    for _ in range(epochs):
        net.train()
        if frozen: body.eval()
        for b in torch.randperm(1000).split(50): loss = nn.functional.cross_entropy(net(x[b]), y[b]); opt.zero_grad(); loss.backward(); opt.step()
        net.eval()
        with torch.inference_mode(): print((net(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
stage(2, 1e-2, True); stage(4, 1e-3, False)
