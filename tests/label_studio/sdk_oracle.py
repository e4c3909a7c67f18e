"""Run by .sdk/bin/python: what Label Studio's own SDK says about regions. Cases on stdin, findings on stdout, JSON."""

import json
import sys

import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle
from label_studio_sdk.label_interface import LabelInterface


def findings(case: dict) -> list[str]:
    errors = LabelInterface(case["config"]).validate_prediction(case["prediction"], return_errors=True)
    mask = np.array(case["mask"], np.uint8)
    for region in case["prediction"]["result"]:
        rle = region["value"].get("rle")
        if rle is not None:
            decoded = decode_rle(rle).reshape(*mask.shape, 4)[..., 3]
            errors += [] if (decoded == 255 * mask).all() else ["decode_rle gives another mask"]
            errors += [] if rle == mask2rle(255 * mask) else ["mask2rle writes other bytes"]
    return errors


if __name__ == "__main__":
    json.dump([findings(case) for case in json.load(sys.stdin)], sys.stdout)
