import linecache

from trainwell.probes import origin, source

PROGRAM = """
import torch
from torch.utils.data import DataLoader, TensorDataset

def loaders(x, y):
    held = x[80:]
    train = DataLoader(TensorDataset(x[:80], y[:80]), batch_size=8)
    test = DataLoader(TensorDataset(held, y[80:]))
    return train, test

features = torch.randn(100, 3)
labels = torch.randint(0, 2, (100,)).long()
train, test = loaders(features, labels)
for x, y in train:
    scores = model(x)
    loss = criterion(scores, y)
    scaler.scale(loss).backward()
"""


def program(name="<ipython-source-test>"):
    linecache.cache[name] = (len(PROGRAM), None, PROGRAM.splitlines(keepends=True), name)
    return name


def test_a_loader_is_followed_through_a_function_to_the_tensors_that_made_it():
    assert origin.origin((program(), 7), 0, of=("DataLoader",))[1] == 11
    assert origin.origin((program(), 7), 1, of=("DataLoader",))[1] == 12


def test_a_split_is_where_the_slice_stands():
    assert origin.origin((program(), 8), 0, of=("DataLoader",), past_slices=False)[1] == 6
    assert origin.origin((program(), 7), 0, of=("DataLoader",), past_slices=False)[1] == 7


def test_batches_of_a_loop_are_followed_to_the_data():
    assert origin.origin((program(), 15), 0)[1] in (11, 13)


def test_the_loss_is_where_it_was_last_assigned():
    assert origin.given((program(), 17)) == (program(), 16)


def test_source_that_cannot_be_read_gives_no_place():
    linecache.cache["<ipython-broken>"] = (5, None, ["def (:\n"], "<ipython-broken>")
    assert origin.origin(("<ipython-broken>", 1)) is None
    assert source.calls_before(("<ipython-broken>", 1)) == {}


DEEP = """
def to_set(x, y):
    return TensorDataset(torch.tensor(x), torch.tensor(y))

def prepare(x, y):
    held = x[80:] / 255
    rows, signs = [], []
    for row in y:
        signs.append(2 * row - 1)
    return to_set(x[:80], signs), to_set(held, y)

train, test = prepare(images, labels)
loader = DataLoader(dataset=test)
other = DataLoader(train)
"""


def test_a_value_is_followed_into_functions_and_out_with_what_that_call_was_given():
    name = "<ipython-deep-test>"
    linecache.cache[name] = (len(DEEP), None, DEEP.splitlines(keepends=True), name)
    assert origin.origin((name, 13), 0, of=("DataLoader",))[1] == 6
    assert origin.origin((name, 14), 1, of=("DataLoader",))[1] == 9


PARTED = """x, y = read()
codes = encode(y)
x_train, x_test, y_train, y_test = train_test_split(x, codes, test_size=0.2)
for index in batches():
    loss = criterion(model(x_train[index]), y_train[index])
"""


def test_labels_are_followed_past_a_split_and_inputs_are_not():
    name = "<ipython-source-parted>"
    linecache.cache[name] = (len(PARTED), None, PARTED.splitlines(keepends=True), name)
    assert origin.origin((name, 5), 1)[1] == 2
    assert origin.origin((name, 5), 0)[1] == 3


def test_labels_drawn_at_random_are_meant_unless_they_are_written_into_the_inputs():
    name, text = "<ipython-source-labels>", "label = torch.randint(4, (8,))\nbody[:, 0] = {}\n"
    found = []
    for value in ("label", "1"):
        linecache.cache[name] = (len(text), None, text.format(value).splitlines(True), name)
        source.tree_of.cache_clear()
        found.append(source.draws_at_random((name, 1)))
    assert found == [False, True]
