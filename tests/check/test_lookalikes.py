"""Faults and healthy programs that look alike, each told apart, watched in this process."""

import warnings

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
            loop(
                model, lambda m, b=batches: F.mse_loss(m(next(b)), y), 24, torch.optim.SGD(model.parameters(), lr=rate)
            )
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


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk, self.kind, self.size = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 1)

    def forward(self, x):
        h = self.trunk(x).relu()
        return self.kind(h), self.size(h)


def two_backwards(cleared, again=False, attack=False):
    x, y, z = torch.randn(16, 4), torch.arange(16) % 2, torch.randn(16, 1)
    model = TwoHeads()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as watcher:
        for _ in range(24):
            x.requires_grad_(attack)
            kind, size = model(x)
            optimizer.zero_grad()
            F.cross_entropy(kind, y).backward(retain_graph=True)
            if cleared:
                optimizer.zero_grad()
            if again:
                size = model(x.detach() + 0.1 * torch.randn(16, 4))[1]
            F.mse_loss(size, z).backward()
            optimizer.step()
    return "gradients-cleared-before-step" in rules(watcher)


def test_the_gradient_of_one_task_cleared_before_that_of_the_other():
    assert two_backwards(cleared=True)
    assert not two_backwards(cleared=False)
    assert not two_backwards(cleared=True, again=True)  # the gradient at the first inputs alone was wanted


def put_together(model, optimizer, losses):
    parts = []
    for loss in losses:
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        parts.append([p.grad.clone() if p.grad is not None else torch.zeros_like(p) for p in model.parameters()])
    for p, *found in zip(model.parameters(), *parts, strict=True):
        p.grad = sum(found)
    optimizer.step()


def test_gradients_of_tasks_that_are_put_together_by_hand():
    x, y, z = torch.randn(16, 4), torch.arange(16) % 2, torch.randn(16, 1)
    model = TwoHeads()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as watcher:
        for _ in range(24):
            kind, size = model(x)
            put_together(model, optimizer, [F.cross_entropy(kind, y), F.mse_loss(size, z)])
    assert "gradients-cleared-before-step" not in rules(watcher)


def test_a_second_phase_without_a_backward_pass():
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    found = []
    for forgotten in (True, False):
        with watch() as watcher:
            first, second = nn.Linear(4, 2), nn.Linear(4, 2)
            loop(first, lambda m: F.cross_entropy(m(x), y))
            optimizer = torch.optim.Adam(second.parameters(), lr=1e-3)
            for _ in range(24):
                optimizer.zero_grad()
                loss = F.cross_entropy(second(x), y)
                if not forgotten:
                    loss.backward()
                optimizer.step()
        found.append("missing-backward" in rules(watcher))
    assert found == [True, False]


def test_an_evaluation_of_one_batch_builds_a_graph_too():
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    found = []
    for graph in (True, False):
        model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))

        def score(step, graph=graph, model=model):
            if step % 8 == 7:
                model.eval()
                with torch.set_grad_enabled(graph):
                    model(torch.randn(8, 4))

        with watch() as watcher:
            loop(model, lambda m: F.cross_entropy(m(x), y), 64, after=score)
        found.append("gradients-in-evaluation" in rules(watcher))
    assert found == [True, False]


def test_weights_that_are_kept_without_a_copy_follow_the_training():
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    found = []
    for copied in (False, True):
        kept, model = {}, nn.Linear(4, 2)

        def keep(step, copied=copied, kept=kept, model=model):
            if step == 9:
                state = model.state_dict()
                kept["best"] = {k: v.clone() for k, v in state.items()} if copied else state

        with watch() as watcher:
            loop(model, lambda m: F.cross_entropy(m(x), y), 32, after=keep)
            model.load_state_dict(kept["best"])
        found.append("best-weights-lost" in rules(watcher))
    assert found == [True, False]


def test_a_state_that_is_loaded_at_once_is_not_stale():
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    with watch() as watcher:
        model, other = nn.Linear(4, 2), nn.Linear(4, 2)
        loop(
            model, lambda m: F.cross_entropy(m(x), y), 32, after=lambda step: other.load_state_dict(model.state_dict())
        )
    assert "best-weights-lost" not in rules(watcher)


def test_a_slow_rate_is_seen_beside_a_noisy_first_batch():
    g = torch.Generator().manual_seed(3)
    x = torch.randn(320, 10, generator=g)
    y = x[:, :1] + torch.randn(320, 1, generator=g)
    found = []
    for rate in (1e-6, 1e-2):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        with watch() as watcher:
            for _ in range(30):
                model.train()
                for part in torch.randperm(320).split(32):
                    optimizer.zero_grad()
                    F.mse_loss(model(x[part]), y[part]).backward()
                    optimizer.step()
                model.eval()
                with torch.no_grad():
                    F.mse_loss(model(x), y)
        found.append("learning-rate-too-low" in rules(watcher))
    assert found == [True, False]


def test_a_network_that_is_held_below_its_nearest_neighbours():
    g = torch.Generator().manual_seed(0)
    centres = 3 * torch.randn(40, 8, generator=g)
    which = torch.arange(1200) % 40
    x, y = centres[which] + 0.5 * torch.randn(1200, 8, generator=g), which % 4
    sets = [torch.utils.data.TensorDataset(x[:800], y[:800]), torch.utils.data.TensorDataset(x[800:], y[800:])]
    train, val = (torch.utils.data.DataLoader(s, batch_size=80, shuffle=s is sets[0]) for s in sets)
    found = []
    for decay in (0.15, 0.0):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 4))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=decay)
        with watch() as watcher:
            for _ in range(25):
                model.train()
                for a, b in train:
                    optimizer.zero_grad()
                    F.cross_entropy(model(a), b).backward()
                    optimizer.step()
                model.eval()
                with torch.no_grad():
                    sum(int((model(a).argmax(1) == b).sum()) for a, b in val)
        found.append("underfitting" in rules(watcher))
    assert found == [True, False]


def test_a_teacher_that_was_trained_here_is_no_evaluation():
    x, y = torch.randn(8, 4), torch.arange(8) % 2
    teacher, student = nn.Linear(4, 2), nn.Linear(4, 2)
    with watch() as watcher:
        loop(teacher, lambda m: F.cross_entropy(m(x), y))
        teacher.eval()
        loop(student, lambda m: F.mse_loss(m(x), teacher(x).detach()), 40)
    assert "gradients-in-evaluation" not in rules(watcher)


def test_a_moving_average_is_evaluated_in_eval_mode():
    import copy

    from torch.utils.data import DataLoader, TensorDataset

    found = []
    for still in (False, True):
        torch.manual_seed(0)
        train, held_out = (DataLoader(TensorDataset(torch.randn(n, 4), torch.arange(n) % 2), 8) for n in (64, 32))
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
        average = copy.deepcopy(model).requires_grad_(False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        with watch() as watcher:
            for _ in range(4):
                average.train(not still)
                for x, y in train:
                    optimizer.zero_grad()
                    F.cross_entropy(model(x), y).backward()
                    optimizer.step()
                with torch.no_grad():
                    for x, y in held_out:
                        F.cross_entropy(average(x), y)
        found.append("evaluation-in-train-mode" in rules(watcher))
    assert found == [True, False]


class Gated(nn.Module):
    def __init__(self, gated):
        super().__init__()
        self.up, self.down, self.gate = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(6, 16) if gated else None
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        h = self.up(x) * (F.silu(self.gate(x)) if self.gate is not None else 0.5)
        return self.out(F.silu(self.down(h)))


def test_a_gate_is_a_nonlinearity_and_a_constant_factor_is_none():
    x, y = torch.randn(12, 6), torch.arange(12) % 3
    found = []
    for gated in (False, True):
        with watch() as watcher, torch.autocast("cpu", dtype=torch.bfloat16):
            loop(Gated(gated), lambda m: F.cross_entropy(m(x), y))
        found.append("missing-nonlinearity" in rules(watcher))
    assert found == [True, False]


def test_two_networks_in_a_row_are_no_missing_nonlinearity():
    x, y = torch.randn(12, 6), torch.arange(12) % 3
    found = []
    for inside in (False, True):
        first = [nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.BatchNorm1d(8)] if inside else [nn.Linear(6, 8)]
        last = [nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)]
        with watch() as watcher:
            loop(nn.Sequential(nn.Sequential(*first), nn.Sequential(*last)), lambda m: F.cross_entropy(m(x), y))
        found.append("missing-nonlinearity" in rules(watcher))
    assert found == [True, False]


def test_a_grid_that_is_drawn_is_no_shifted_split():
    x = torch.randn(64, 1)
    found = []
    for held_out in (torch.rand(60, 1) + 8, torch.linspace(5, 12, 60)[:, None]):
        with watch() as watcher:
            model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))

            def look(step, model=model, x_val=held_out):
                model.eval()
                with torch.no_grad():
                    model(x_val)

            loop(model, lambda m: F.mse_loss(m(x), x.sin()), after=look)
        found.append("split-shift" in rules(watcher))
    assert found == [True, False]


def test_texts_with_two_labels_conflict_and_windows_with_two_next_tokens_do_not():
    found = []
    for classes, vocabulary in ((3, 50), (50, 50)):
        torch.manual_seed(0)
        once = torch.randint(0, vocabulary, (60, 10))
        x, y = torch.cat([once, once[:20]]), torch.randint(0, classes, (80,))
        y[60:] = (y[:20] + 1) % classes
        with watch() as watcher:
            model = nn.Sequential(nn.Embedding(vocabulary, 8), nn.Flatten(), nn.Linear(80, classes))
            loop(model, lambda m, x=x, y=y: F.cross_entropy(m(x), y))
        found.append("conflicting-labels" in rules(watcher))
    assert found == [True, False]


def test_parameters_that_got_the_identity_of_freed_ones_are_others():
    from trainwell.probes.state.models import _at_one_time
    from trainwell.probes.state.optimization import OptimizerState

    optimizer = OptimizerState(key=5, kind="SGD", site=None, optimizer=None, until=9)
    assert _at_one_time(optimizer, {"since": 3})
    assert _at_one_time(optimizer, {"since": 3, "until": 9})
    assert not _at_one_time(optimizer, {"since": 2, "until": 4})  # freed before the optimizer was made
    assert not _at_one_time(optimizer, {"since": 10})  # first seen after the optimizer was freed


def test_inputs_that_a_network_must_not_know_are_no_split():
    x = torch.randn(64, 2)
    found = []
    for passes in (1, 12):
        torch.manual_seed(0)
        with watch() as watcher:
            model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
            loop(model, lambda m: F.mse_loss(m(x), x[:, :1].sin()))
            model.train(passes > 1)
            x_val = x + 6
            with torch.no_grad():
                for _ in range(passes):
                    model(x_val)
        found.append("split-shift" in rules(watcher))
    assert found == [True, False]


def test_an_optimizer_for_each_phase_is_none_for_each_epoch():
    x, y = torch.randn(24, 4), torch.arange(24) % 2
    found = []
    for epochs in (1, 3):
        with watch() as watcher:
            model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
            for _ in range(5):
                optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
                for _ in range(epochs):
                    loop(model, lambda m: F.cross_entropy(m(x), y), steps=6, optimizer=optimizer)
                    model.eval()
                    with torch.no_grad():
                        F.cross_entropy(model(x), y)
        found.append("optimizer-recreated" in rules(watcher))
    assert found == [True, False]


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.state, self.inputs, self.out = nn.Linear(6, 6), nn.Linear(3, 6), nn.Linear(6, 2)

    def forward(self, x):
        return self.out(torch.tanh(self.state(torch.zeros(len(x), 6)) + self.inputs(x)))


def test_a_state_that_begins_at_zero_is_no_constant_input():
    y = torch.arange(16) % 2
    found = []
    for x in (torch.ones(16, 3), torch.randn(16, 3)):
        with watch() as watcher:
            loop(Recurrent(), lambda m, x=x: F.cross_entropy(m(x), y))
        found.append("constant-inputs" in rules(watcher))
    assert found == [True, False]


def test_sequences_of_which_there_are_few_meet_by_chance():
    from trainwell.diagnose.program.data import _as_often_as_by_chance
    from trainwell.records import OverlapTrace

    few = OverlapTrace("val", share=0.39, rows=196, looked_at=500, repeats=0.06)
    assert _as_often_as_by_chance(few, 2000)
    assert not _as_often_as_by_chance(few, 200)
    assert not _as_often_as_by_chance(OverlapTrace("val", share=0.2, rows=100, looked_at=500, repeats=0.0), 2000)


def rows_of_a_table(fill):
    torch.manual_seed(0)
    x, y = torch.randn(64, 6), torch.randn(64, 1)
    x[::9, 2] = fill
    return x, y


def test_batches_that_a_loop_leaves_out_still_tell_of_holes_in_the_inputs():
    found = []
    for fill in (float("inf"), 3.0):
        x, y = rows_of_a_table(fill)
        with watch() as watcher:
            model = nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Linear(8, 1))
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
            for _ in range(6):
                for ids in torch.randperm(64).split(8):
                    loss = F.mse_loss(model(x[ids]), y[ids])
                    if not torch.isfinite(loss):
                        continue
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                model.eval()
                with torch.no_grad():
                    model(x)
                model.train()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what the look at holes finds is no warning of numpy's on the terminal
            found.append("non-finite-inputs" in rules(watcher))
    assert found == [True, False]


def test_equal_rows_are_constant_inputs_unless_only_the_first_batch_has_them():
    found = []
    for later in (0.0, 1.0):
        torch.manual_seed(0)
        first, steps = torch.randn(1, 6).expand(16, 6).clone(), []

        def batch(first=first, steps=steps, later=later):
            steps.append(0)
            return first + (later * torch.randn(16, 6) if len(steps) > 1 else 0)

        y = torch.arange(16) % 2
        with watch() as watcher:
            model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))
            loop(model, lambda m, batch=batch, y=y: F.cross_entropy(m(batch()), y))
        found.append("constant-inputs" in rules(watcher))
    assert found == [True, False]
