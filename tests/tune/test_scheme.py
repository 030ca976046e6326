"""How many trials train together."""

import pytest

from trainwell.tune.scheme import scheme_of


def size(name, learning, shared=False, group=0):
    return scheme_of(name, epochs=20, steps=400).size(group, learning=learning, shared=shared)


@pytest.mark.parametrize("name", ["asha", "halving", "none"])
def test_a_sampler_that_learns_is_asked_for_small_groups_and_smaller_ones_later(name):
    assert size(name, "begins") == 27
    assert size(name, "goes on") == 9
    assert size(name, "in large groups") == 64


def test_without_anything_to_learn_groups_are_large():
    assert size("asha", "no") == 64
    assert size("halving", "no") > 64
    assert size("halving", "no", shared=True) == 64


@pytest.mark.parametrize("name", ["one-epoch", "population"])
def test_a_fixed_number_that_goes_on_wants_a_large_group(name):
    assert size(name, "goes on") == 64


def test_brackets_have_sizes_of_their_own():
    assert size("hyperband", "goes on") == size("hyperband", "no") == 27
