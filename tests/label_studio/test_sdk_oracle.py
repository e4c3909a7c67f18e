"""Label Studio's own SDK, in an environment of its own (`make sdk-oracle`), judges every region we can answer."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shape_cases import CONFIGS, MASKS, regions

from sam_backend.label_studio.labeling_config import parse_labeling_config
from sam_backend.label_studio.messages import message_result
from sam_backend.label_studio.palette import with_palette_label
from sam_backend.label_studio.response import task_result

PYTHON = Path(__file__).parents[2] / ".sdk" / "bin" / "python"
ORACLE = Path(__file__).with_name("sdk_oracle.py")


def _case(config: str, prediction: dict[str, Any] | None, mask: np.ndarray) -> dict[str, Any]:
    return {"config": config, "prediction": prediction, "mask": mask.astype(int).tolist()}


@pytest.fixture(scope="module")
def judge() -> Any:  # noqa: ANN401
    if not PYTHON.exists():
        pytest.skip("Label Studio's SDK isn't here: `make sdk-oracle` installs it (450 MB)")

    def ask(cases: list[dict[str, Any]]) -> list[list[str]]:
        asked = subprocess.run(
            [PYTHON, ORACLE], input=json.dumps(cases), capture_output=True, text=True, timeout=300, check=False
        )
        assert asked.returncode == 0, asked.stderr[-2000:]
        return json.loads(asked.stdout)

    return ask


def test_sdk_finds_no_error_in_any_shape_of_any_mask_for_any_config(judge: Any) -> None:  # noqa: ANN401
    names = [(config, mask) for config in CONFIGS for mask in MASKS]
    cases = [
        _case(CONFIGS[config], task_result(regions(MASKS[mask], CONFIGS[config]), "v"), MASKS[mask])
        for config, mask in names
    ]
    found = {name: errors for name, errors in zip(names, judge(cases), strict=True) if errors}
    assert found == {}


@pytest.mark.parametrize("tag", ["Polygon", "Bitmask", "Brush", "Vector", "Ellipse"])
def test_sdk_finds_no_error_in_labels_of_a_palette(judge: Any, tag: str) -> None:  # noqa: ANN401
    config = CONFIGS[f"{tag} beside a palette"]
    labelled = with_palette_label(regions(MASKS["disc"], config), parse_labeling_config(config), "Car")
    assert [region["type"] for region in labelled] == [tag.lower(), "labels"]
    assert judge([_case(config, task_result(labelled, "v (everything)"), MASKS["disc"])]) == [[]]


def test_sdk_finds_no_error_in_a_message(judge: Any) -> None:  # noqa: ANN401
    config = CONFIGS["Brush with labels"]
    message = message_result("nothing there", parse_labeling_config(config), "image")
    assert judge([_case(config, message, MASKS["disc"])]) == [[]]


def test_sdk_does_find_errors(judge: Any) -> None:  # noqa: ANN401
    config = CONFIGS["Polygon with labels"]
    wrong = task_result(regions(MASKS["disc"], config), "v")
    wrong["result"][0]["value"]["polygonlabels"] = ["Boat"]
    (errors,) = judge([_case(config, wrong, MASKS["disc"])])
    assert errors
