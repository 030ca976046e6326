"""Throughput check on random tensors: a student network imitates a fixed random network, bfloat16 autocast."""
import time

import torch
import torch.nn as nn

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"

target_net = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4)).to(device).requires_grad_(False)
for p in target_net.parameters():
    p.mul_(2.0)
student = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 4)).to(device)
optimizer = torch.optim.AdamW(student.parameters(), lr=3e-3, weight_decay=0.0)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=500)
x_eval = torch.randn(512, 16, device=device)
y_eval = target_net(x_eval)

samples, start = 0, time.perf_counter()
for step in range(1, 501):
    x = torch.randn(128, 16, device=device)
    y = target_net(x)
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = nn.functional.mse_loss(student(x).float(), y)
    loss.backward()
    optimizer.step()
    scheduler.step()
    samples += len(x)
    if step % 100 == 0:
        with torch.no_grad():
            r2 = 1 - (student(x_eval) - y_eval).pow(2).mean() / y_eval.var()
        print(f"step {step}: loss {loss.item():.4f}, held-out R2 {r2.item():.3f}, "
              f"{samples / (time.perf_counter() - start):.0f} samples/s")
