"""Torch MLP as a scikit-learn estimator inside Pipeline + GridSearchCV."""
import copy

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn


class TorchMLP(ClassifierMixin, BaseEstimator):
    def __init__(self, width=32, dropout=0.2, lr=3e-3, epochs=14, batch_size=32, val_fraction=0.15, seed=0):
        self.width, self.dropout, self.lr, self.epochs = width, dropout, lr, epochs
        self.batch_size, self.val_fraction, self.seed = batch_size, val_fraction, seed

    def _tensor(self, X):
        return torch.as_tensor(np.asarray(X), dtype=torch.float32)

    def fit(self, X, y):
        torch.manual_seed(self.seed)
        self.classes_, codes = np.unique(y, return_inverse=True)
        Xa, Xb, ya, yb = train_test_split(X, codes, test_size=self.val_fraction, stratify=codes, random_state=self.seed)
        Xa, Xb, ya, yb = self._tensor(Xa), self._tensor(Xb), torch.as_tensor(ya), torch.as_tensor(yb)
        self.module_ = nn.Sequential(
            nn.Linear(Xa.shape[1], self.width), nn.ReLU(), nn.Dropout(self.dropout),
            nn.Linear(self.width, len(self.classes_)),
        )
        optimizer = torch.optim.AdamW(self.module_.parameters(), lr=self.lr, weight_decay=0.01)
        criterion = nn.CrossEntropyLoss()
        best, best_state, self.history_ = np.inf, None, []
        for _ in range(self.epochs):
            self.module_.train()
            total = 0.0
            for idx in torch.randperm(len(Xa)).split(self.batch_size):
                optimizer.zero_grad()
                loss = criterion(self.module_(Xa[idx]), ya[idx])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(idx)
            self.module_.eval()
            with torch.no_grad():
                v = criterion(self.module_(Xb), yb).item()
            self.history_.append((total / len(Xa), v))
            if v < best:
                best, best_state = v, copy.deepcopy(self.module_.state_dict())
        self.module_.load_state_dict(best_state)
        return self

    def predict_proba(self, X):
        self.module_.eval()
        with torch.no_grad():
            return self.module_(self._tensor(X)).softmax(-1).numpy()

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


if __name__ == "__main__":
    X, y = load_breast_cancer(return_X_y=True)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, random_state=7, stratify=y)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), TorchMLP()),
        {"torchmlp__width": [16, 32], "torchmlp__dropout": [0.1, 0.3]},
        cv=StratifiedKFold(3, shuffle=True, random_state=1), scoring="accuracy", refit=True,
    )
    search.fit(X_tr, y_tr)
    for p, m in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
        print(p, round(m, 4))
    hist = search.best_estimator_[-1].history_
    print("refit curve", [f"{a:.3f}/{b:.3f}" for a, b in hist[::4]], "last", hist[-1])
    print("test", search.score(X_te, y_te))
