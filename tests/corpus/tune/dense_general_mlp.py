"""Port of a flax MLP: DenseGeneral layers with a pluggable kernel initialiser."""
from typing import Callable

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def scaled_ones(tensor, gain=1.0):
    fan_in = tensor.shape[0]
    with torch.no_grad():
        return tensor.fill_(gain / fan_in)


def variance_scaling(tensor, gain=2.0):
    fan_in = tensor.shape[0]
    return nn.init.normal_(tensor, std=(gain / fan_in) ** 0.5)


class DenseGeneral(nn.Module):
    def __init__(self, in_features, out_features, kernel_init: Callable = scaled_ones, use_bias=True):
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if use_bias else None
        kernel_init(self.kernel)

    def forward(self, x):
        y = x @ self.kernel
        return y if self.bias is None else y + self.bias


class MLP(nn.Module):
    def __init__(self, features=(64, 96, 48, 10), dense=DenseGeneral):
        super().__init__()
        self.layers = nn.ModuleList([dense(a, b) for a, b in zip(features, features[1:])])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.gelu(layer(x))
        return self.layers[-1](x)


class State:
    """Carries model and optimizer through the loop."""

    def __init__(self, model, tx):
        self.model, self.tx, self.step = model, tx, 0

    def apply_gradients(self, loss):
        self.tx.zero_grad()
        loss.backward()
        self.tx.step()
        self.step += 1


def train_step(state, x, y):
    loss = F.cross_entropy(state.model(x), y)
    state.apply_gradients(loss)
    return loss.item()


@torch.no_grad()
def eval_step(state, x, y):
    state.model.eval()
    logits = state.model(x)
    state.model.train()
    return F.cross_entropy(logits, y).item(), (logits.argmax(-1) == y).float().mean().item()


def main(epochs=9, batch=64):
    torch.manual_seed(8)
    X, y = load_digits(return_X_y=True)
    X = X / 8.0 - 1.0
    Xtr, Xva, ytr, yva = train_test_split(X, y, test_size=0.2, random_state=8, stratify=y)
    Xtr, Xva = torch.tensor(Xtr).float(), torch.tensor(Xva).float()
    ytr, yva = torch.tensor(ytr), torch.tensor(yva)
    model = MLP()
    state = State(model, torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4))
    for epoch in range(epochs):
        losses = [train_step(state, Xtr[i], ytr[i]) for i in torch.randperm(len(Xtr)).split(batch)]
        v_loss, v_acc = eval_step(state, Xva, yva)
        print(f"epoch={epoch} step={state.step} train={sum(losses) / len(losses):.4f} val={v_loss:.4f} acc={v_acc:.3f}")


if __name__ == "__main__":
    main()
