import ctypes
import subprocess
import sys

import numpy as np
import pytest

from sam_backend.errors import ImageError
from sam_backend.predict import embedding_library, heap
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.predictor import Predictor
from sam_backend.store.byte_store import ByteStore
from sam_backend.store.memory import MemoryStore

PICTURE = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)

FREED_IN_THREADS = """
import os, threading
import numpy as np
from sam_backend.predict.heap import give_back_free_memory, use_one_heap

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

def take_and_free():
    blocks = [np.ones(1_000_000, np.uint8) for _ in range(60)]
    kept.append(np.ones(100_000, np.uint8))  # at the heap's end, so that nothing goes back by itself
    del blocks
    freed.release()
    end.wait()

use_one_heap()
kept, freed, end, before_mb = [], threading.Semaphore(0), threading.Event(), resident_mb()
for _ in range(4):
    threading.Thread(target=take_and_free, daemon=True).start()
    freed.acquire()
held_mb = resident_mb() - before_mb
give_back_free_memory()
print(held_mb, resident_mb() - before_mb)
end.set()
"""


@pytest.mark.skipif(heap._GLIBC is None, reason="this system's C library keeps no arenas")
def test_what_living_threads_have_freed_goes_back() -> None:
    run = subprocess.run([sys.executable, "-c", FREED_IN_THREADS], capture_output=True, text=True, check=True)
    held_mb, left_mb = map(float, run.stdout.split())
    assert held_mb > 50
    assert left_mb < 10


@pytest.mark.parametrize("error", [TypeError, OSError, AttributeError], ids=["Windows", "none at all", "macOS or musl"])
def test_another_system_is_left_alone(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str | None) -> None:
        raise error(name)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(heap, "_GLIBC", heap._glibc())
    assert heap._GLIBC is None
    heap.use_one_heap()
    heap.give_back_free_memory()


@pytest.mark.parametrize("shared", [None, MemoryStore(10_000_000)], ids=["memory alone", "shared"])
def test_memory_is_given_back_once_for_each_embedding_that_is_new_to_the_process(
    tiny_predictor: Predictor, shared: ByteStore | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[bool] = []
    monkeypatch.setattr(embedding_library, "give_back_free_memory", lambda: given_back.append(True))
    for _ in range(2):
        library = EmbeddingLibrary(EmbeddingCache[Embedding](10_000_000), shared)
        for content in ("a", "a", "b", "b"):
            library.get_or_make(tiny_predictor, content, lambda: PICTURE)
    with pytest.raises(ImageError):
        library.get_or_make(tiny_predictor, "c", lambda: PICTURE[0])
    assert len(given_back) == 5
