import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded_decoder import RecordedDecoder, read_recorded

from sam_backend.predict.automatic.generator import generate, generate_steps
from sam_backend.predict.automatic.options import AutomaticOptions

SETTINGS = ["plain", "loose", "crops", "min_area"]


@pytest.fixture(scope="module")
def official(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "oracle" / "automatic.json").read_text())


def decoder_of(shared: Path, settings: dict[str, Any], name: str) -> RecordedDecoder:
    path = shared / "oracle" / "automatic_decoder.npz"
    return read_recorded(path, name, has_crops=settings.get("crop_n_layers", 0) > 0)


@pytest.mark.parametrize("name", SETTINGS)
def test_records_equal_the_official_ones(name: str, official: dict[str, Any], shared: Path) -> None:
    settings, expected = official[name]["settings"], official[name]["records"]
    image = np.zeros((*official["image_size_hw"], 3), np.uint8)
    records = generate(decoder_of(shared, settings, name), image, AutomaticOptions(**settings))
    assert [record.to_dict("coco_rle") for record in records] == expected


def test_small_batches_end_at_the_same_records(official: dict[str, Any], shared: Path) -> None:
    settings, expected = official["crops"]["settings"] | {"points_per_batch": 5}, official["crops"]["records"]
    image = np.zeros((*official["image_size_hw"], 3), np.uint8)
    *_, last = generate_steps(decoder_of(shared, settings, "crops"), image, AutomaticOptions(**settings))
    assert last.is_complete
    assert [record.to_dict("coco_rle") for record in last.records()] == expected
