"""Small tensors: a second thread only spins. Torch is not imported for this. Equal examples on every machine."""

import os
import sys

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("exploring", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_runtest_setup():
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
