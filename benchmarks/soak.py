"""Many clicks over many pictures: is memory flat, does the cache stay within its cap, how long does a click take?

    python -m benchmarks.soak --clicks 5000 --pictures 200 --cache-url file:///tmp/soak

The whole service in this process, with real requests and generated pictures; no network in between. It ends with an
error if a request fails, memory grows by more than a tenth in the second half, or the folder exceeds its cap.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from flask.testing import FlaskClient
from PIL import Image, ImageDraw

from sam_backend.service.app import create_app
from sam_backend.settings import Settings

CONFIG = (
    '<View><BrushLabels name="brush" toName="image"><Label value="A"/></BrushLabels>'
    '<KeyPointLabels name="kp" toName="image" smart="true"><Label value="A"/></KeyPointLabels>'
    '<Image name="image" value="$image"/></View>'
)
HW = (480, 640)
REPORT_EACH = 10
"""Parts of a run."""


def main() -> None:
    """Click, print a line for each tenth of the run, and judge."""
    options = _arguments()
    settings = Settings(
        model=options.model,
        device="cpu",
        cache_url=options.cache_url,
        cache_mb=options.cache_mb,
        cache_disk_mb=options.cache_disk_mb,
    )
    client = create_app(settings).test_client()
    random = np.random.default_rng(0)
    took_ms: list[float] = []
    resident_mb: list[float] = []
    print(f"{'clicks':>7} {'p50 ms':>8} {'p95 ms':>8} {'memory MB':>10} {'folder MB':>10}")
    for number in range(1, options.clicks + 1):
        took_ms.append(_click(client, int(random.integers(options.pictures)), random, number))
        if number % max(1, options.clicks // REPORT_EACH) == 0:
            resident_mb.append(_resident_mb())
            p50, p95 = np.percentile(took_ms, [50, 95])
            print(f"{number:7} {p50:8.1f} {p95:8.1f} {resident_mb[-1]:10.0f} {_folder_mb(options.cache_url):10.1f}")
    sys.exit(_judge(resident_mb, options))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=5000)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache-url", default="memory")
    parser.add_argument("--cache-mb", type=int, default=256)
    parser.add_argument("--cache-disk-mb", type=int, default=400)
    return parser.parse_args()


def _click(client: FlaskClient, picture: int, random: np.random.Generator, number: int) -> float:
    """Milliseconds of one click somewhere on a picture."""
    x_pct, y_pct = random.uniform(2, 98, 2).tolist()
    value = {"x": x_pct, "y": y_pct, "width": 0.2, "keypointlabels": ["A"]}
    item = {
        "id": f"click{number}",
        "type": "keypointlabels",
        "from_name": "kp",
        "to_name": "image",
        "original_width": HW[1],
        "original_height": HW[0],
        "is_positive": bool(random.random() < 0.8),
        "value": value,
    }
    task = {"id": picture, "data": {"image": _picture_uri(picture)}, "drafts": [{"user": "soak", "result": []}]}
    context = {"context": {"result": [item]}}
    body = {"tasks": [task], "project": "1.1", "label_config": CONFIG, "params": context}
    started_s = time.perf_counter()
    answer = client.post("/predict", json=body)
    took_ms = 1000 * (time.perf_counter() - started_s)
    if answer.status_code != 200:
        sys.exit(f"click {number} was answered {answer.status_code}: {answer.text}")
    return took_ms


def _picture_uri(number: int) -> str:
    random = np.random.default_rng(number)
    image = Image.new("RGB", HW[::-1], tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for x, y, size in random.integers(0, 600, (12, 3)).tolist():
        draw.ellipse((x, y, x + size // 4, y + size // 5), fill=tuple(random.integers(0, 256, 3).tolist()))
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _folder_mb(cache_url: str) -> float:
    if urlsplit(cache_url).scheme != "file":
        return 0.0
    folder = Path(urlsplit(cache_url).path)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _judge(resident_mb: list[float], options: argparse.Namespace) -> str | None:
    """What went wrong; None if nothing did."""
    half = resident_mb[len(resident_mb) // 2]
    if resident_mb[-1] > 1.1 * half:
        return f"memory grew from {half:.0f} to {resident_mb[-1]:.0f} MB in the second half"
    if _folder_mb(options.cache_url) > options.cache_disk_mb:
        return f"the folder holds {_folder_mb(options.cache_url):.0f} MB, more than {options.cache_disk_mb}"
    return None


if __name__ == "__main__":
    main()
