"""Faults and healthy programs that look alike, each told apart, watched in this process."""

import torch
from torch import nn
from torch.nn import functional as F

from trainwell.check import watch


def loop(model, loss_of, steps=24, optimizer=None, after=lambda step: None):
    optimizer = optimizer or torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05)
    for step in range(steps):
        model.train()
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
        after(step)


def rules(watcher):
    return {f.rule for f in watcher.findings if f.is_alarm}


class Attention(nn.Module):
    def __init__(self, follows_mode):
        super().__init__()
        self.follows_mode = follows_mode
        self.inputs, self.outputs = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        h = self.inputs(x)
        p = 0.2 if self.training or not self.follows_mode else 0.0
        return self.outputs(F.scaled_dot_product_attention(h, h, h, dropout_p=p)[:, 0])


def evaluated(model):
    def after(step):
        model.eval()
        with torch.no_grad():
            for _ in range(3):
                model(torch.randn(8, 5, 4))

    return after


def test_dropout_of_attention_must_follow_the_mode():
    y = torch.arange(8) % 2
    found = []
    for follows in (False, True):
        torch.manual_seed(0)
        with watch() as watcher:
            model = Attention(follows)
            loop(model, lambda m: F.cross_entropy(m(torch.randn(8, 5, 4)), y), after=evaluated(model))
        found.append("dropout-in-evaluation" in rules(watcher))
    assert found == [True, False]


class Tagger(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim, self.score = dim, nn.Linear(6, 3)

    def forward(self, x):
        return F.log_softmax(self.score(x), dim=self.dim)


def test_softmax_over_the_positions_of_a_sequence_is_the_wrong_one():
    x, y = torch.randn(8, 5, 6), torch.arange(40) % 3
    found = []
    for dim in (1, 2):
        with watch() as watcher:
            loop(Tagger(dim), lambda m: F.nll_loss(m(x).reshape(-1, 3), y))
        found.append("softmax-over-wrong-dimension" in rules(watcher))
    assert found == [True, False]


def test_a_frozen_model_in_eval_mode_builds_no_graph():
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    found = []
    for frozen in (True, False):
        features, head = nn.Linear(4, 6), nn.Linear(6, 2)
        first = torch.optim.SGD(features.parameters(), lr=0.01)
        with watch() as watcher:
            loop(features, lambda m: m(x).pow(2).mean(), optimizer=first)
            features.eval().requires_grad_(not frozen)

            def look(step, features=features):
                features.eval()
                for _ in range(4):
                    features(x)

            loop(head, lambda m, f=features: F.cross_entropy(m(f(x).detach()), y), after=look)
        found.append("gradients-in-evaluation" in rules(watcher))
    assert found == [False, True]


def test_what_was_frozen_and_trains_again_needs_an_optimizer():
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    found = []
    for given in (False, True):
        model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
        loss_of = lambda m: F.cross_entropy(m(x), y)  # noqa: E731
        with watch() as watcher:
            loop(model, loss_of)
            model[0].requires_grad_(False)
            optimizer = torch.optim.SGD(model[2].parameters(), lr=0.05)
            loop(model, loss_of, optimizer=optimizer)
            model[0].requires_grad_(True)
            if given:
                optimizer.add_param_group({"params": list(model[0].parameters())})
            loop(model, loss_of, steps=90, optimizer=optimizer)
        found.append("parameters-not-optimized" in rules(watcher))
    assert found == [True, False]


def deep(zero_head):
    torch.manual_seed(0)
    layers = [m for _ in range(6) for m in (nn.Linear(16, 16), nn.ReLU())]
    head = nn.Linear(16, 2)
    if zero_head:
        nn.init.zeros_(head.weight)
    return nn.Sequential(*layers, head)


def test_a_head_that_begins_at_zero_is_no_vanishing_gradient():
    x, y = torch.randn(32, 16), torch.arange(32) % 2
    with watch() as watcher:
        model = deep(zero_head=True)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        warm = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 20))
        loop(model, lambda m: F.cross_entropy(m(x), y), 40, optimizer, lambda step: warm.step())
    assert "vanishing-gradients" not in rules(watcher)


def test_a_backbone_that_thaws_under_a_new_optimizer_is_trained():
    """Frozen long before, so that no look at the graph falls between thawing and the first new step."""
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    found = []
    for given in (True, False):
        model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
        loss_of = lambda m: F.cross_entropy(m(x), y)  # noqa: E731
        with watch() as watcher:
            loop(model, loss_of, steps=96)
            model[0].requires_grad_(False)
            loop(model, loss_of, steps=80, optimizer=torch.optim.Adam(model[2].parameters(), lr=1e-3))
            model[0].requires_grad_(True)
            parts = model.parameters() if given else model[2].parameters()
            loop(model, loss_of, steps=96, optimizer=torch.optim.Adam(parts, lr=1e-3))
        found.append("parameters-not-optimized" in rules(watcher))
    assert found == [False, True]


def test_an_encoder_left_in_train_mode_before_a_head_in_eval_mode():
    y = torch.arange(8) % 2
    found = []
    for whole in (False, True):
        encoder, head = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU()), nn.Linear(6, 2)
        both = nn.ModuleList([encoder, head])

        def score(step, encoder=encoder, head=head, both=both, whole=whole):
            if step % 8 == 7:
                (both if whole else head).eval()
                with torch.no_grad():
                    for _ in range(3):
                        head(encoder(torch.randn(8, 4)))
                both.train()

        with watch() as watcher:
            optimizer = torch.optim.SGD(both.parameters(), lr=0.05)
            loop(both, lambda m: F.cross_entropy(m[1](m[0](torch.randn(8, 4))), y), 32, optimizer, score)
        found.append("evaluation-in-train-mode" in rules(watcher))
    assert found == [True, False]


def test_a_hole_in_a_late_batch_is_the_cause_of_a_loss_that_is_no_number():
    y = torch.randn(8, 1)
    found = []
    for holes in (True, False):
        batches = iter(torch.randn(30, 8, 4).where(torch.arange(30).reshape(-1, 1, 1) != 20, torch.nan if holes else 0))
        rate = 0.01 if holes else 1e6
        with watch() as watcher:
            model = nn.Linear(4, 1)
            loop(model, lambda m, b=batches: F.mse_loss(m(next(b)), y), 24, torch.optim.SGD(model.parameters(), lr=rate))
        found.append("non-finite-inputs" in rules(watcher))
    assert found == [True, False]


class Marks(torch.utils.data.Dataset):
    """Strokes on the left or on the right, sometimes mirrored or shifted."""

    def __init__(self, change):
        g = torch.Generator().manual_seed(0)
        self.labels = torch.arange(400) % 2
        self.images = 0.2 * torch.randn(400, 1, 8, 8, generator=g)
        for image, label in zip(self.images, self.labels.tolist(), strict=True):
            image[0, 2:6, 5 * label + 1] += 2.0
        self.change = change

    def __len__(self):
        return 400

    def __getitem__(self, i):
        return self.change(self.images[i]), self.labels[i]


def mirrored(image):
    shifted = torch.roll(image, int(torch.randint(-1, 2, ())), 1)
    return shifted.flip(-1) if torch.rand(()) < 0.5 else shifted


def moved(image):
    return torch.roll(image, int(torch.randint(-1, 2, ())), 1) + 0.05 * torch.randn(1, 8, 8)


def test_a_mirror_image_of_another_class_among_other_changes():
    found = []
    for change in (mirrored, moved):
        torch.manual_seed(0)
        loader = torch.utils.data.DataLoader(Marks(change), batch_size=40, shuffle=True)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        with watch() as watcher:
            for _ in range(6):
                for x, y in loader:
                    optimizer.zero_grad()
                    F.cross_entropy(model(x), y).backward()
                    optimizer.step()
        found.append("label-changing-augmentation" in rules(watcher))
    assert found == [True, False]
