"""Replication of an old textbook network with more layers."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

N_HIDDEN = 9
torch.manual_seed(1990)
np.random.seed(1990)

digits = load_digits()
X = torch.tensor(digits.data / 16 - 0.3, dtype=torch.float32)
T = torch.tensor(digits.target)
idx = np.random.permutation(len(T))
train, test = idx[:1500], idx[1500:]

stack = [nn.Linear(64, 30), nn.Sigmoid()]
for _ in range(N_HIDDEN - 1):
    stack += [nn.Linear(30, 30), nn.Sigmoid()]
stack.append(nn.Linear(30, 10))
network = nn.Sequential(*stack)

sgd = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
cross_entropy = nn.CrossEntropyLoss()

for epoch in range(1, 13):
    network.train()
    np.random.shuffle(train)
    costs = []
    for start in range(0, 1500, 30):
        rows = train[start:start + 30]
        cost = cross_entropy(network(X[rows]), T[rows])
        sgd.zero_grad()
        cost.backward()
        sgd.step()
        costs.append(cost.item())
    network.eval()
    with torch.no_grad():
        right = (network(X[test]).argmax(1) == T[test]).sum().item()
    print(f"Epoch {epoch}: cost {np.mean(costs):.4f}  {right} / {len(test)}")
