import torch
from torch import nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(16)
wine = load_wine()
xa, xb, ya, yb = train_test_split(wine.data, wine.target, test_size=0.35, stratify=wine.target, random_state=16)
norm = StandardScaler().fit(xa)
xa, xb = (torch.from_numpy(norm.transform(v)).float() for v in (xa, xb))
ya, yb = map(torch.from_numpy, (ya, yb))
net = nn.Sequential(nn.Linear(13, 24), nn.GELU(), nn.Dropout(0.25), nn.Linear(24, 3))
optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3)
for epoch in range(25):
    net.train()
    for rows in torch.randperm(len(xa)).split(20):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(xa[rows])
            loss = nn.functional.cross_entropy(logits, ya[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if (epoch + 1) % 5 == 0:
        net.eval()
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            out = net(xb).float()
        print(f"{epoch + 1:3d} loss {loss.item():.3f} test loss {nn.functional.cross_entropy(out, yb).item():.3f} "
              f"acc {(out.argmax(1) == yb).float().mean().item():.3f}")
