"""Model-agnostic meta-learning on sinusoids: adapt to a new wave from ten points in one step."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call


class WaveNet(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.l1 = nn.Linear(1, width)
        self.l2 = nn.Linear(width, width)
        self.l3 = nn.Linear(width, 1)

    def forward(self, x):
        return self.l3(torch.relu(self.l2(torch.relu(self.l1(x)))))


def sample_task(gen):
    amplitude = 0.5 + 1.5 * torch.rand(1, generator=gen)
    phase = torch.pi * torch.rand(1, generator=gen)

    def draw(n):
        x = 4 * torch.rand(n, 1, generator=gen) - 2
        return x, amplitude * torch.sin(2 * x + phase)
    return draw


def adapt(model, params, x, y, rate, create_graph):
    loss = F.mse_loss(functional_call(model, params, (x,)), y)
    grads = torch.autograd.grad(loss, list(params.values()), create_graph=create_graph)
    return {k: p - rate * g for (k, p), g in zip(params.items(), grads)}


def meta_test(model, gen, rate, tasks=40, steps=5):
    before = after = 0.0
    for _ in range(tasks):
        draw = sample_task(gen)
        xs, ys = draw(10)
        xq, yq = draw(40)
        params = {k: p.detach().requires_grad_() for k, p in model.named_parameters()}
        with torch.no_grad():
            before += F.mse_loss(functional_call(model, params, (xq,)), yq).item()
        for _ in range(steps):
            params = adapt(model, params, xs, ys, rate, create_graph=False)
            params = {k: p.detach().requires_grad_() for k, p in params.items()}
        with torch.no_grad():
            after += F.mse_loss(functional_call(model, params, (xq,)), yq).item()
    return before / tasks, after / tasks


def main():
    torch.manual_seed(4)
    gen = torch.Generator().manual_seed(4)
    model = WaveNet()
    meta_opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    rate, tasks_per_step = 0.05, 5
    recent = []
    for step in range(1, 301):
        meta_opt.zero_grad()
        meta_loss = 0.0
        for _ in range(tasks_per_step):
            draw = sample_task(gen)
            fast = adapt(model, dict(model.named_parameters()), *draw(10), rate, create_graph=True)
            xq, yq = draw(20)
            meta_loss = meta_loss + F.mse_loss(functional_call(model, fast, (xq,)), yq)
        meta_loss = meta_loss / tasks_per_step
        meta_loss.backward()
        meta_opt.step()
        recent.append(meta_loss.item())
        if step % 50 == 0:
            before, after = meta_test(model, torch.Generator().manual_seed(1000), rate)
            print(f"step {step}: meta loss {sum(recent[-50:]) / 50:.3f}; new tasks before {before:.3f} after {after:.3f}")


if __name__ == "__main__":
    main()
