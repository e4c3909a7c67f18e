from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import ImageError, StorageError
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_codec import decode_embedding, encode_embedding
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.predictor import Predictor
from sam_backend.store.disk import DiskStore
from sam_backend.store.memory import MemoryStore
from sam_backend.types import Prompts


def _picture(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(8, 90), st.integers(8, 90))
def test_masks_of_a_rounded_embedding_are_the_same_but_for_a_few_pixels(
    tiny_predictor: Predictor, seed: int, height: int, width: int
) -> None:
    embedding = tiny_predictor.embed(_picture(seed, height, width))
    again = decode_embedding(encode_embedding(embedding), tiny_predictor)
    prompts = Prompts.of(points=[(width / 2, height / 2, True)])
    before, after = (tiny_predictor.segment(one, prompts) for one in (embedding, again))
    assert again.frame == embedding.frame
    assert (before.masks != after.masks).mean() < 0.01
    np.testing.assert_allclose(after.predicted_iou, before.predicted_iou, atol=2e-3)


def test_bytes_come_back_as_they_were(tiny_predictor: Predictor) -> None:
    data = encode_embedding(tiny_predictor.embed(_picture(1)))
    again = decode_embedding(data, tiny_predictor)
    assert encode_embedding(again) == data
    assert again.features.coarse.dtype == tiny_predictor.embed(_picture(1)).features.coarse.dtype


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-2], id="cut"),
        pytest.param(lambda data: data + b"\0\0", id="too long"),
        pytest.param(lambda data: data + b"\0", id="half a number"),
        pytest.param(lambda data: b"SAMemb00" + data[8:], id="another layout"),
        pytest.param(lambda data: data.replace(b'"image_hw"', b'"image_wh"'), id="a key missing"),
        pytest.param(lambda data: data.replace(b"tiny-", b"tony-"), id="another model"),
    ],
)
def test_damaged_bytes_say_so_and_are_made_again(tiny_predictor: Predictor, damage: Callable[[bytes], bytes]) -> None:
    data = encode_embedding(tiny_predictor.embed(_picture(1)))
    with pytest.raises(StorageError, match="embed again"):
        decode_embedding(damage(data), tiny_predictor)
    store = MemoryStore(10_000_000)
    store.put(f"embedding/{tiny_predictor.version}/x", damage(data), ttl_s=60)
    library = EmbeddingLibrary(EmbeddingCache[Embedding](0), store)
    library.get_or_make(tiny_predictor, "x", lambda: _picture(1))
    assert store.get(f"embedding/{tiny_predictor.version}/x") == data


def test_library_without_a_store_rounds_nothing(tiny_predictor: Predictor) -> None:
    library = EmbeddingLibrary(EmbeddingCache[Embedding](10_000_000), None)
    made = library.get_or_make(tiny_predictor, "x", lambda: _picture(1))
    assert (made.features.coarse == tiny_predictor.embed(_picture(1)).features.coarse).all()
    assert library.get_or_make(tiny_predictor, "x", lambda: pytest.fail("made twice")) is made


def test_two_workers_on_one_folder_encode_once_and_answer_alike(tiny_predictor: Predictor, tmp_path: Path) -> None:
    workers = [
        EmbeddingLibrary(EmbeddingCache[Embedding](10_000_000), DiskStore(tmp_path, 100_000_000)) for _ in range(2)
    ]
    first = workers[0].get_or_make(tiny_predictor, "x", lambda: _picture(1))
    second = workers[1].get_or_make(tiny_predictor, "x", lambda: pytest.fail("made twice"))
    prompts = Prompts.of(points=[(40, 30, True)])
    masks = [tiny_predictor.segment(one, prompts) for one in (first, second)]
    np.testing.assert_array_equal(masks[0].low_res_logits, masks[1].low_res_logits)


def test_picture_that_can_not_be_read_leaves_nothing_behind(tiny_predictor: Predictor) -> None:
    def fail() -> np.ndarray:
        raise ImageError("no picture")

    store = MemoryStore(10_000_000)
    library = EmbeddingLibrary(EmbeddingCache[Embedding](10_000_000), store)
    with pytest.raises(ImageError):
        library.get_or_make(tiny_predictor, "x", fail)
    assert store.held_bytes == 0
    assert library.get_or_make(tiny_predictor, "x", lambda: _picture(1)).image_hw == (60, 80)
