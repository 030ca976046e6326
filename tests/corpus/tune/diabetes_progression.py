import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split


def mlp(sizes, activation=nn.ReLU, dropout=0.0):
    """Stack of fully connected layers, e.g. mlp([10, 64, 1])."""
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), activation()]
        if dropout and b != sizes[-1]:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def standardise(train, *others):
    mean, std = train.mean(0), train.std(0)
    return [torch.tensor((a - mean) / std, dtype=torch.float32) for a in (train, *others)]


def main():
    torch.manual_seed(2)
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=2)
    X_train, X_val = standardise(X_train, X_val)
    y_train, y_val = standardise(y_train[:, None], y_val[:, None])

    net = mlp([10, 24, 12, 1], dropout=0.1)
    loss_fn = nn.MSELoss()
    opt = torch.optim.AdamW(net.parameters(), lr=1.5e-3, weight_decay=0.05)

    for epoch in range(1, 16):
        net.train()
        losses = []
        for idx in torch.randperm(len(X_train)).split(16):
            pred = net(X_train[idx])
            loss = loss_fn(pred, y_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if epoch % 3 == 0:
            net.eval()
            with torch.no_grad():
                pred = net(X_val)
                val = loss_fn(pred, y_val).item()
            print(f"epoch {epoch}: train mse {np.mean(losses):.3f}, val mse {val:.3f}, r2 {r2_score(y_val.numpy(), pred.numpy()):.3f}")


if __name__ == "__main__":
    main()
