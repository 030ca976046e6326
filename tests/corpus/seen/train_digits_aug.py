#!/usr/bin/env python3
import argparse
import logging
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit
from torch.utils.data import DataLoader, Dataset

log = logging.getLogger("digits")


class RandomShift:
    def __init__(self, pixels=1):
        self.pixels = pixels

    def __call__(self, img):
        dy, dx = torch.randint(0, 2 * self.pixels + 1, (2,)).tolist()
        padded = F.pad(img, [self.pixels] * 4)
        return padded[:, dy : dy + img.shape[1], dx : dx + img.shape[2]]


class DigitsDataset(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images = images
        self.labels = labels
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, idx):
        img = torch.from_numpy(self.images[idx]).unsqueeze(0)
        if self.transform is not None:
            img = self.transform(img)
        return img, int(self.labels[idx])


class SmallResNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * width)
        self.fc = nn.Linear(2 * width * 16, 10)

    def forward(self, x):
        x = self.stem(x)
        x = F.relu(x + self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(x.flatten(1))


def run_epoch(model, loader, criterion, optimizer=None):
    training = optimizer is not None
    model.train(training)
    loss_sum = correct = n = 0
    with torch.set_grad_enabled(training):
        for images, labels in loader:
            logits = model(images)
            loss = criterion(logits, labels)
            if training:
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
            n += len(labels)
    return loss_sum / n, correct / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)

    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)
    labels = digits.target
    train_idx, val_idx = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=args.seed).split(images, labels))
    train_set = DigitsDataset(images[train_idx], labels[train_idx], RandomShift())
    val_set = DigitsDataset(images[val_idx], labels[val_idx])
    train_loader = DataLoader(train_set, args.batch_size, shuffle=True, drop_last=True)
    val_loader = DataLoader(val_set, 180)

    model = SmallResNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    best = 0.0
    with tempfile.TemporaryDirectory() as out:
        for epoch in range(args.epochs):
            train_loss, _ = run_epoch(model, train_loader, criterion, optimizer)
            val_loss, val_acc = run_epoch(model, val_loader, criterion)
            scheduler.step()
            log.info("epoch %d train loss %.4f val loss %.4f val acc %.4f", epoch + 1, train_loss, val_loss, val_acc)
            if val_acc > best:
                best = val_acc
                torch.save(model.state_dict(), os.path.join(out, "best.pt"))
        log.info("best validation accuracy %.4f", best)


if __name__ == "__main__":
    main()
