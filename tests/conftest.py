"""Small tensors: a second thread only spins. Torch is not imported for this."""

import sys


def pytest_runtest_setup():
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
