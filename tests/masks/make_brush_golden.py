"""Write brush_golden.json anew: masks and what Label Studio's own encoder makes of them.

Run it with a Python that has label_studio_sdk (2.1.2 made the committed file): ``$SDK_PYTHON make_brush_golden.py``.
The tests read the masks' formulas from here too; they use integers only, so every machine makes the same masks.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GOLDEN = Path(__file__).with_name("brush_golden.json")

DRAWN = {
    "one-pixel-picture": ["#"],
    "empty": [".......", ".......", "......."],
    "full": ["#####", "#####", "#####", "#####"],
    "holed": ["......", ".####.", ".#..#.", ".####.", "......"],
    "two-blobs": ["##....", "##....", "....##", "....##"],
    "first-and-last-pixel": ["#...", "....", "...#"],
    "runs-of-1-to-8-pixels": ["#.##..###...####....#####.....######......#######.......########........"],
    "checkerboard": ["#.#.#.#", ".#.#.#.", "#.#.#.#"],
}

Formula = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]


def _ragged(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.bool_]:
    wobble = (x * x * 31 + y * 17 + x * y * 7) % 23
    return (x - 400) ** 2 + (y - 300) ** 2 < (220 + wobble) ** 2


def _stipple(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (x * 7919 + y * 104729 + x * y) % 11 < 5


COMPUTED: dict[str, tuple[tuple[int, int], Formula]] = {
    "disc-600x800": ((600, 800), lambda x, y: (x - 400) ** 2 + (y - 300) ** 2 < 240**2),
    "ring-1080x1920": ((1080, 1920), lambda x, y: abs((x - 960) ** 2 + (y - 540) ** 2 - 400**2) < 40000),
    "ragged-disc-600x800": ((600, 800), _ragged),
    "stipple-211x307": ((211, 307), _stipple),
    "empty-300x400": ((300, 400), lambda x, y: (x < 0) & (y < 0)),
    "longest-run-exactly": ((128, 128), lambda x, y: (x >= 0) & (y >= 0)),
    "longest-run-and-a-pixel": ((1, 16385), lambda x, y: (x >= 0) & (y >= 0)),
    "longest-run-twice-exactly": ((256, 128), lambda x, y: (x >= 0) & (y >= 0)),
    "filled-byte-after-64-pixels": ((1, 65), lambda x, y: (x >= 0) & (y >= 0)),
    "left-and-right-edge": ((97, 1000), lambda x, y: (x < 70 + y) | (x >= 1000 - y)),
}
"""(height, width) and what is object."""


def drawn_mask(rows: list[str]) -> NDArray[np.bool_]:
    return np.array([[char == "#" for char in row] for row in rows])


def computed_mask(name: str) -> NDArray[np.bool_]:
    (h, w), is_object = COMPUTED[name]
    y, x = np.mgrid[:h, :w].astype(np.int64)
    return is_object(x, y)


def main() -> None:
    from label_studio_sdk.converter.brush import mask2rle

    def encoded(mask: NDArray[np.bool_]) -> list[int]:
        return mask2rle(mask.astype(np.uint8) * 255)

    digests = {name: hashlib.sha256(bytes(encoded(computed_mask(name)))).hexdigest() for name in COMPUTED}
    entries = [
        f'    "{name}": {json.dumps({"rows": rows, "rle": encoded(drawn_mask(rows))})}' for name, rows in DRAWN.items()
    ]
    text = '{\n  "drawn": {\n' + ",\n".join(entries) + '\n  },\n  "computed_sha256": '
    GOLDEN.write_text(text + json.dumps(digests, indent=4).replace("\n}", "\n  }") + "\n}\n")


if __name__ == "__main__":
    main()
