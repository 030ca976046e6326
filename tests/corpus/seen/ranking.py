"""Learning to rank hotels within a query: pairwise logistic loss over all pairs of a list."""
import torch
import torch.nn as nn

torch.manual_seed(64)
LIST = 8


def queries(n):
    x = torch.randn(n, LIST, 6)
    utility = 1.2 * x[..., 0] - 0.8 * x[..., 1] ** 2 + torch.sin(2 * x[..., 2]) + 0.6 * x[..., 3] * x[..., 4]
    return x, utility + 0.1 * torch.randn(n, LIST)


def pairwise_loss(score, utility):
    ds = score.unsqueeze(2) - score.unsqueeze(1)
    better = (utility.unsqueeze(2) > utility.unsqueeze(1)).float()
    return (nn.functional.softplus(-ds) * better).sum() / better.sum()


def kendall(score, utility):
    agree = torch.sign(score.unsqueeze(2) - score.unsqueeze(1)) * torch.sign(utility.unsqueeze(2) - utility.unsqueeze(1))
    return agree.sum((1, 2)).mean().item() / (LIST * (LIST - 1))


x_train, u_train = queries(1500)
x_test, u_test = queries(300)
scorer = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(-2))
opt = torch.optim.Adam(scorer.parameters(), lr=4e-3)

for epoch in range(10):
    for idx in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = pairwise_loss(scorer(x_train[idx]), u_train[idx])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(f"epoch {epoch + 1:2d} loss {loss.item():.4f} test Kendall tau {kendall(scorer(x_test), u_test):.3f}")
