import numpy as np
import pytest
from numpy.typing import NDArray
from sample_masks import SAMPLES


@pytest.fixture(params=SAMPLES.values(), ids=SAMPLES.keys())
def sample(request: pytest.FixtureRequest) -> NDArray[np.bool_]:
    return request.param
