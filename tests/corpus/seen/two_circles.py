# Inner circle against outer circle
import torch, math
import torch.nn as nn

torch.manual_seed(2)

def circles(n):
    label = torch.randint(0, 2, (n,))
    radius = torch.where(label == 1, 0.6, 1.3) + 0.12 * torch.randn(n)
    phi = 2 * math.pi * torch.rand(n)
    return torch.stack((radius * phi.cos(), radius * phi.sin()), dim=1), label

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 2)
        self.dropout = nn.Dropout(0.05)

    def forward(self, x):
        x = self.fc1(x)
        x = self.fc2(x)
        x = self.dropout(x)
        return self.fc3(x)

Xtrain, ytrain = circles(2000)
Xtest, ytest = circles(500)
net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.003)

for epoch in range(10):
    net.train()
    idx = torch.randperm(2000)
    tot = 0
    for i in range(0, 2000, 50):
        j = idx[i:i+50]
        optimizer.zero_grad()
        loss = criterion(net(Xtrain[j]), ytrain[j])
        loss.backward()
        optimizer.step()
        tot += loss.item()
    net.eval()
    with torch.no_grad():
        acc = (net(Xtest).argmax(1) == ytest).float().mean().item()
    print(f'Epoch: {epoch+1}, Loss: {tot/40:.4f}, Test accuracy: {acc:.3f}')
