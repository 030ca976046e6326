"""Match search queries with recipes: two encoders, in-batch softmax loss."""
import torch
import torch.nn as nn
import torch.nn.functional as F

N_TOPICS, VOCAB_Q, VOCAB_R = 40, 200, 300


def make_pairs(n, seed):
    g = torch.Generator().manual_seed(seed)
    world = torch.Generator().manual_seed(0)
    q_words = torch.stack([torch.randperm(VOCAB_Q, generator=world)[:10] for _ in range(N_TOPICS)])
    r_words = torch.stack([torch.randperm(VOCAB_R, generator=world)[:14] for _ in range(N_TOPICS)])
    topic = torch.randint(0, N_TOPICS, (n,), generator=g)
    q = q_words[topic].gather(1, torch.randint(0, 10, (n, 5), generator=g))
    r = r_words[topic].gather(1, torch.randint(0, 14, (n, 12), generator=g))
    noise_q = torch.rand(q.shape, generator=g) < 0.15
    noise_r = torch.rand(r.shape, generator=g) < 0.15
    q[noise_q] = torch.randint(0, VOCAB_Q, (int(noise_q.sum()),), generator=g)
    r[noise_r] = torch.randint(0, VOCAB_R, (int(noise_r.sum()),), generator=g)
    return q, r


class Tower(nn.Module):
    def __init__(self, vocab, dim=32):
        super().__init__()
        self.bag = nn.EmbeddingBag(vocab, dim, mode="mean")
        self.proj = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, tokens):
        return F.normalize(self.proj(self.bag(tokens)), dim=-1)


class Retriever(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = Tower(VOCAB_Q)
        self.recipe = Tower(VOCAB_R)
        self.temperature = 0.1

    @torch.no_grad()
    def index(self, recipes):
        """Vectors of all recipes, for search."""
        return self.recipe(recipes)

    def search(self, queries, recipes):
        return self.query(queries) @ self.index(recipes).T

    def loss(self, queries, recipes):
        sims = self.search(queries, recipes) / self.temperature
        target = torch.arange(len(queries))
        return F.cross_entropy(sims, target)


def recall_at(model, q, r, k=10):
    model.eval()
    with torch.no_grad():
        top = model.search(q, r).topk(k, dim=1).indices
    return (top == torch.arange(len(q))[:, None]).any(1).float().mean().item()


def main():
    torch.manual_seed(13)
    q_train, r_train = make_pairs(3000, seed=1)
    q_val, r_val = make_pairs(300, seed=2)
    model = Retriever()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(q_train)).split(100):
            loss = model.loss(q_train[idx], r_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        with torch.no_grad():
            val = sum(model.loss(a, b).item() for a, b in zip(q_val.split(100), r_val.split(100))) / 3
        print(f"epoch {epoch + 1}: train {total / len(q_train):.3f}  val {val:.3f}  recall@10 {recall_at(model, q_val, r_val):.3f}")


if __name__ == "__main__":
    main()
