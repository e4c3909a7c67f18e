"""Runs in the environment of the Label Studio SDK, whose numpy is another one: times its brush codec on demand.

A line of JSON in: ``{"do": "encode" | "decode", "path": FILE.npy}``. One out: ``{"seconds": ..., "rle": ...}``.
"""

import json
import sys
import time

import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle

for line in sys.stdin:
    order = json.loads(line)
    array = np.load(order["path"])
    given = array.astype(np.uint8) * 255 if order["do"] == "encode" else array.tolist()
    started = time.perf_counter()
    answer = mask2rle(given) if order["do"] == "encode" else decode_rle(given)
    seconds = time.perf_counter() - started
    rle = np.asarray(answer).tolist() if order["do"] == "encode" else None
    print(json.dumps({"seconds": seconds, "rle": rle}), flush=True)
