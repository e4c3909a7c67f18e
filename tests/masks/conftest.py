import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from sample_masks import SAMPLES

settings.register_profile("machine-with-other-work", deadline=None)  # a slow moment of the machine is no defect
settings.load_profile("machine-with-other-work")


@pytest.fixture(params=SAMPLES.values(), ids=SAMPLES.keys())
def sample(request: pytest.FixtureRequest) -> NDArray[np.bool_]:
    return request.param
