"""What a cache folder holds: values by key, without the times at which they will be dropped."""

import struct
from pathlib import Path

HEADER = struct.Struct("<8sdI")


def contents(folder: Path) -> dict[str, bytes]:
    held = {}
    for file in (folder / "values").iterdir():
        data = file.read_bytes()
        _, _, n_key = HEADER.unpack_from(data)
        held[data[HEADER.size : HEADER.size + n_key].decode()] = data[HEADER.size + n_key :]
    assert list((folder / "unfinished").iterdir()) == []
    return held
