from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.training.synthetic import pasted
from sam_backend.training.synthetic.cutout_index import CutoutIndex, read_index, write_index
from sam_backend.training.synthetic.cutouts import CutoutFolder
from sam_backend.training.synthetic.finish import finished
from sam_backend.training.synthetic.pasted import PastedObjects
from sam_backend.training.synthetic.picture_cache import PictureCache
from sam_backend.training.synthetic.picture_sets import PastedPictures, ScenePictures
from sam_backend.training.synthetic.placing import layer_at, matched, shadow_of, turned_cutout


def test_pasted_objects_repeat_with_their_seed(cutout_folder: Path) -> None:
    first, again, other = (
        PastedObjects(cutout_folder).draw(np.random.default_rng(seed), 96, max_masks=5) for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert not np.array_equal(first.image, other.image)


def test_every_draw_shows_something(cutout_folder: Path) -> None:
    source = PastedObjects(cutout_folder)
    for seed in range(25):
        sample = source.draw(np.random.default_rng(seed), 96, max_masks=3)
        assert sample.image.shape == (96, 96, 3)
        assert 1 <= len(sample.masks) <= 3
        assert sample.masks.any(axis=(1, 2)).all()
        assert sample.masks.sum(axis=0).max() == 1  # what is seen belongs to one object


def test_a_mask_is_where_its_object_is_painted(cutout_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHADOW_SHARE", "OTHER_SKIN_SHARE", "MATCHED_SHARE", "CROWD_SHARE", "TEXTURE_BACKGROUND_SHARE"):
        monkeypatch.setattr(pasted, name, 0)
    monkeypatch.setattr(
        CutoutFolder, "draw_photograph", lambda self, rng, height, width: np.full((height, width, 3), -500, np.float32)
    )
    source = PastedObjects(cutout_folder)
    for seed in range(8):
        canvas = source.paint(np.random.default_rng(seed), 96, 96)
        is_painted = canvas.picture.max(axis=2) > -250 + 128  # more than half of an object's colour, 0 to 255
        covered = canvas.topmost > 0
        assert (is_painted & ~covered).mean() < 0.01
        assert (covered & (canvas.picture.max(axis=2) < -250)).sum() == 0


def test_only_the_wanted_side_of_the_hold_out_is_read(cutout_folder: Path) -> None:
    for held_out in (True, False):
        folder = CutoutFolder(cutout_folder, held_out)
        rng = np.random.default_rng(0)
        assert {folder.draw_object(rng).held_out for _ in range(50)} == {held_out}
        assert {entry.held_out for entry in folder.backgrounds} == {held_out}


def test_each_source_is_drawn_as_often(cutout_folder: Path) -> None:
    folder = CutoutFolder(cutout_folder, held_out=False)
    rng = np.random.default_rng(0)
    share = np.mean([folder.draw_object(rng).source == "stamps" for _ in range(300)])
    assert 0.4 < share < 0.6


def test_a_folder_with_nothing_held_out_is_an_error(cutout_folder: Path, tmp_path: Path) -> None:
    index = read_index(cutout_folder)
    kept = CutoutIndex(index.objects, tuple(replace(entry, held_out=False) for entry in index.backgrounds))
    write_index(kept, tmp_path)
    with pytest.raises(DatasetError, match="and 0 backgrounds that are held out, wanted some of both"):
        PastedObjects(tmp_path, held_out=True)


def test_a_lost_file_is_named(cutout_folder: Path, tmp_path: Path) -> None:
    write_index(read_index(cutout_folder), tmp_path)
    with pytest.raises(DatasetError, match=r"can't be read .*: prepare the folder of cut-outs again"):
        PastedObjects(tmp_path).draw(np.random.default_rng(0), 64, max_masks=2)


def test_the_cache_halves_and_forgets_the_oldest(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path in paths:
        Image.new("RGB", (64, 32)).save(path)
    cache = PictureCache(n_bytes=2 * 64 * 32 * 4)
    assert cache.read(paths[0], 20, "RGB").size == (32, 16)
    assert cache.read(paths[0], 500, "RGBA").size == (64, 32)
    first = cache.read(paths[1], 64, "RGB")
    assert cache.read(paths[1], 33, "RGB") is first
    cache.read(paths[2], 64, "RGB")
    paths[0].unlink()
    assert cache.read(paths[1], 64, "RGB") is first
    with pytest.raises(DatasetError):
        cache.read(paths[0], 64, "RGB")


def test_a_softened_edge_has_no_dark_rim() -> None:
    disc = np.zeros((40, 40, 4), np.uint8)
    disc[10:30, 10:30] = [240, 200, 160, 255]
    for seed in range(10):
        pixels = np.asarray(turned_cutout(Image.fromarray(disc), 40, np.random.default_rng(seed)))
        assert pixels[pixels[..., 3] > 25][:, 0].min() > 200


def test_a_shadow_is_softer_and_darker_than_its_object() -> None:
    cutout = Image.new("RGBA", (30, 20), (200, 200, 200, 255))
    layer = layer_at(cutout, 5, 6)
    shadow = shadow_of(layer, np.random.default_rng(1))
    assert shadow.colour.max() <= 40
    assert shadow.alpha.max() <= 0.7
    assert shadow.alpha.shape[0] > 20


def test_matching_moves_the_mean_colour_by_the_share() -> None:
    layer = layer_at(Image.new("RGBA", (8, 8), (100, 100, 100, 255)), 0, 0)
    changed = matched(layer, np.full((4, 4, 3), 200, np.float32), share=0.5)
    np.testing.assert_allclose(changed.colour, 150, atol=1e-3)


def test_finishing_keeps_the_shape_and_wears_some_pictures() -> None:
    flat = np.full((24, 30, 3), 128, np.float32)
    pictures = [finished(flat, np.random.default_rng(seed), negative_share=0) for seed in range(12)]
    assert {picture.shape for picture in pictures} == {(24, 30, 3)}
    assert {picture.dtype for picture in pictures} == {np.dtype(np.uint8)}


def test_evaluation_pictures_repeat_by_name(cutout_folder: Path) -> None:
    for pictures in (ScenePictures(3, size_hw=(60, 80)), PastedPictures(cutout_folder, 3, size_hw=(60, 80))):
        assert list(pictures.names) == ["0000", "0001", "0002"]
        first, other, again = (pictures.read(name) for name in ("0001", "0002", "0001"))
        np.testing.assert_array_equal(first.image, again.image)
        assert not np.array_equal(first.image, other.image)
        assert first.image.shape == (60, 80, 3)
        assert len(first.masks) == len(again.masks) >= 1
        for index in range(len(first.masks)):
            np.testing.assert_array_equal(first.masks[index], again.masks[index])


def test_a_set_without_pictures_or_of_another_name_is_an_error() -> None:
    with pytest.raises(DatasetError, match="0 generated pictures were asked for"):
        ScenePictures(0)
    with pytest.raises(DatasetError, match="there is no generated picture '0007': wanted 0000 to 0001"):
        ScenePictures(2).read("0007")


def test_a_negative_is_dark_where_the_picture_was_light() -> None:
    picture = np.full((20, 20, 3), 40, np.float32)
    picture[:10] = 230
    for seed in range(5):
        image = finished(picture, np.random.default_rng(seed), negative_share=1)
        assert image[:8].mean() < image[12:].mean()
