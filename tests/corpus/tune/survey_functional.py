"""Answers of a short questionnaire -> which of three plans people choose.  Pure functions, no optimizer object."""
import torch
from torch.func import grad_and_value
from torch.nn.functional import cross_entropy, one_hot

QUESTIONS, LEVELS, PLANS = 5, 4, 3


def survey(n, seed):
    truth = torch.Generator().manual_seed(100)
    taste = 1.5 * torch.randn(QUESTIONS, LEVELS, PLANS, generator=truth)
    g = torch.Generator().manual_seed(seed)
    answers = torch.randint(0, LEVELS, (n, QUESTIONS), generator=g)
    utility = sum(taste[q, answers[:, q]] for q in range(QUESTIONS))
    gumbel = -torch.log(-torch.log(torch.rand(n, PLANS, generator=g)))
    return answers, (utility + gumbel).argmax(1)


def init(gen, sizes=(QUESTIONS * LEVELS, 16, PLANS)):
    return {f"{kind}{i}": (torch.randn(a, b, generator=gen) * (2 / a) ** 0.5 if kind == "w" else torch.zeros(b))
            for i, (a, b) in enumerate(zip(sizes[:-1], sizes[1:])) for kind in "wb"}


def apply(params, answers):
    x = one_hot(answers, LEVELS).flatten(1).float()
    h = torch.relu(x @ params["w0"] + params["b0"])
    return h @ params["w1"] + params["b1"]


def objective(params, answers, choice):
    return cross_entropy(apply(params, answers), choice)


step_fn = grad_and_value(objective)


def update(params, velocity, grads, rate, momentum=0.9):
    velocity = {k: momentum * velocity[k] + grads[k] for k in params}
    return {k: params[k] - rate * velocity[k] for k in params}, velocity


def main():
    gen = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    answers, choice = survey(3000, 1)
    answers_v, choice_v = survey(1000, 2)
    params = init(gen)
    velocity = {k: torch.zeros_like(v) for k, v in params.items()}
    epochs = 10
    for epoch in range(epochs):
        rate = 0.03 * (1 - epoch / epochs)
        losses = []
        for idx in torch.randperm(len(choice), generator=gen).split(50):
            grads, loss = step_fn(params, answers[idx], choice[idx])
            params, velocity = update(params, velocity, grads, rate)
            losses.append(loss.item())
        with torch.no_grad():
            out = apply(params, answers_v)
            valid, acc = cross_entropy(out, choice_v).item(), (out.argmax(1) == choice_v).float().mean().item()
        print(f"epoch {epoch}: train {sum(losses) / len(losses):.3f} valid {valid:.3f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
