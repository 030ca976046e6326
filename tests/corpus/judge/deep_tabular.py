"""Deep MLP for tabular classification. Usage: deep_tabular.py [--depth 8] [--width 64]"""
import argparse
import logging

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("deep_tabular")


def init_weights(module, std=0.02):
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, mean=0.0, std=std)
        nn.init.zeros_(module.bias)


def build(n_in, width, depth, n_out):
    layers, size = [], n_in
    for _ in range(depth):
        layers += [nn.Linear(size, width), nn.Tanh()]
        size = width
    net = nn.Sequential(*layers, nn.Linear(size, n_out))
    return net.apply(init_weights)


def score(net, loader, loss_fn):
    net.eval()
    loss = hit = n = 0
    with torch.inference_mode():
        for x, y in loader:
            out = net(x)
            loss += loss_fn(out, y).item() * len(y)
            hit += (out.argmax(-1) == y).sum().item()
            n += len(y)
    return loss / n, hit / n


def cli():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--depth", type=int, default=8)
    p.add_argument("--width", type=int, default=64)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--lr", type=float, default=0.05)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--seed", type=int, default=0)
    return p.parse_args()


def main():
    args = cli()
    torch.manual_seed(args.seed)
    x, y = make_classification(4000, n_features=20, n_informative=10, n_redundant=4, n_classes=4, class_sep=1.4, random_state=args.seed)
    x_tr, x_va, y_tr, y_va = train_test_split(x, y, test_size=0.25, stratify=y, random_state=args.seed)
    sc = StandardScaler().fit(x_tr)
    make = lambda a, b: TensorDataset(torch.tensor(sc.transform(a), dtype=torch.float32), torch.tensor(b))
    train = DataLoader(make(x_tr, y_tr), args.batch_size, shuffle=True)
    valid = DataLoader(make(x_va, y_va), 500)
    net = build(20, args.width, args.depth, 4)
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        net.train()
        for x, y in train:
            opt.zero_grad()
            loss_fn(net(x), y).backward()
            opt.step()
        log.info("epoch %d  train %.4f/%.3f  valid %.4f/%.3f", epoch, *score(net, train, loss_fn), *score(net, valid, loss_fn))


if __name__ == "__main__":
    main()
