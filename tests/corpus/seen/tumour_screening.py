# Wisconsin breast cancer, benign against malignant
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(11)

features, labels = load_breast_cancer(return_X_y=True)
f_train, f_test, l_train, l_test = train_test_split(features, labels, test_size=0.3, random_state=5, stratify=labels)
scaler = StandardScaler().fit(f_train)
f_train = torch.FloatTensor(scaler.transform(f_train))
f_test = torch.FloatTensor(scaler.transform(f_test))
l_train = torch.FloatTensor(l_train).view(-1, 1)
l_test = torch.FloatTensor(l_test).view(-1, 1)


class Screening(nn.Module):
    def __init__(self, n_in):
        super(Screening, self).__init__()
        self.hidden = nn.Linear(n_in, 16)
        self.act = nn.ReLU()
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        x = self.drop(self.act(self.hidden(x)))
        return torch.sigmoid(self.out(x))


model = Screening(f_train.shape[1])
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
loss_function = nn.BCEWithLogitsLoss()
BATCH = 32

for epoch in range(25):
    model.train()
    shuffled = torch.randperm(f_train.size(0))
    epoch_loss = 0.0
    for start in range(0, f_train.size(0), BATCH):
        batch = shuffled[start:start + BATCH]
        optimizer.zero_grad()
        prob = model(f_train[batch])
        loss = loss_function(prob, l_train[batch])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * batch.numel()
    if (epoch + 1) % 5 == 0:
        model.eval()
        with torch.no_grad():
            guess = (model(f_test) > 0.5).float()
            acc = (guess == l_test).float().mean()
        print(f"epoch {epoch + 1:3d} | loss {epoch_loss / f_train.size(0):.4f} | held-out accuracy {acc:.4f}")
