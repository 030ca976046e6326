"""Multi-label topic tagging from tf-idf vectors; an exponential moving average of the weights is what gets evaluated."""
import logging
import numpy as np
import torch
import torch.nn as nn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="[%(name)s] %(message)s")
log = logging.getLogger("topics")

WORDS = {
    "sport": "match goal team coach league score player stadium".split(),
    "money": "bank market price shares profit tax budget trade".split(),
    "health": "doctor hospital vaccine patient diet clinic virus nurse".split(),
    "tech": "chip software phone robot network startup code cloud".split(),
    "travel": "hotel flight beach airport train tourist island visa".split(),
}
COMMON = "said new year people one two first last week city time group report plan could would many still after before".split()


def article(rng):
    topics = [t for t in WORDS if rng.random() < 0.35] or [rng.choice(list(WORDS))]
    words = list(rng.choice(COMMON, rng.integers(20, 40)))
    for t in topics:
        words += list(rng.choice(WORDS[t], rng.integers(2, 6)))
    stray = rng.choice(list(WORDS))
    words += list(rng.choice(WORDS[stray], 1))
    rng.shuffle(words)
    return " ".join(words), [float(t in topics) for t in WORDS]


def main():
    torch.manual_seed(90)
    rng = np.random.default_rng(90)
    texts, labels = zip(*[article(rng) for _ in range(2600)])
    log.info("example: %s -> %s", texts[0][:60], labels[0])
    vec = TfidfVectorizer()
    A = vec.fit_transform(texts[:2000]).toarray().astype("float32")
    B = vec.transform(texts[2000:]).toarray().astype("float32")
    k = 1 / A.std()
    Y = torch.tensor(labels)
    train = TensorDataset(torch.from_numpy(A * k), Y[:2000])
    vx, vy = torch.from_numpy(B * k), Y[2000:]
    log.info("features %d, label shares %s", A.shape[1], Y.mean(0).tolist())

    net = nn.Sequential(nn.Linear(A.shape[1], 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 5))
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    crit = nn.BCEWithLogitsLoss()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    for epoch in range(7):
        net.train()
        tot = 0.0
        for x, y in DataLoader(train, batch_size=32, shuffle=True):
            loss = crit(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            ema.update_parameters(net)
            tot += loss.item() * len(x) / len(train)
        ema.eval()
        with torch.no_grad():
            z = ema(vx)
        log.info("epoch %d train %.4f val(ema) %.4f f1 %.4f", epoch, tot, crit(z, vy).item(), f1_score(vy.numpy(), (z > 0).numpy(), average="macro"))


if __name__ == "__main__":
    main()
