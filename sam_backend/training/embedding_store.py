"""Image features kept on disk: with a frozen encoder a picture is encoded once, and every later epoch costs seconds."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.errors import ImageError, SettingsError, StorageError
from sam_backend.model.conv_encoder import ConvImageEncoder
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.sam import Sam
from sam_backend.predict.frame import ImageFrame

SPARE_BYTES = 1_000_000_000
"""Left free on the disk for everyone else."""

_LAYOUT = 1
"""Of a file; a change makes old files unknown instead of misread."""

_LOG = logging.getLogger(__name__)


class EmbeddingStore:
    """Features by the content of their picture and the version of their model, in float16.

    Files appear whole or not at all, and one that can't be read is made again, so runs may share a folder, follow
    each other and be stopped at any time. Whole pictures only, as they are: features can't be flipped, turned, zoomed
    or lit anew, because those of a flipped picture aren't the flipped features. Variety comes from prompts alone.
    """

    def __init__(self, folder: Path, network: Sam, version: str) -> None:
        """Open or make a store.

        Args:
            folder: holds a folder for each version; any of them may be deleted.
            network: what encodes; its image encoder has to be frozen.
            version: of its weights, from `checkpoint_version`.

        Raises:
            SettingsError: the image encoder learns, so that its features would be outdated at once.
            StorageError: the folder can't be made.
        """
        if any(parameter.requires_grad for parameter in network.image_encoder.parameters()):
            raise SettingsError(
                "features of an encoder that learns can't be kept: train the decoder alone, or keep none"
            )
        self._network = network
        self._version = version
        self._folder = folder / version
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the folder {self._folder} can't be made: {error.strerror}") from None

    @property
    def model_size(self) -> int:
        """Side of the square that the network sees, in model px."""
        return self._network.image_size

    @property
    def bytes_per_picture(self) -> int:
        """What one picture takes on disk, about: the same for every picture."""
        grid, width = self._network.image_encoder.grid_size, self._network.mask_decoder.iou_token.weight.shape[1]
        has_fine = isinstance(self._network.image_encoder, ConvImageEncoder)
        # Fine features: (width / 4, 2 grid, 2 grid) and (width / 8, 4 grid, 4 grid).
        return 2 * width * grid * grid * (1 + (1 + 2 if has_fine else 0))

    def check_room(self, n_pictures: int) -> None:
        """Find out before the first epoch whether the disk holds a data set.

        Args:
            n_pictures: of the data set; those of this version that are in the store count as part of it.

        Raises:
            StorageError: it doesn't.
        """
        self._require_room(max(0, n_pictures - sum(1 for _ in self._folder.glob("*.pt"))))

    def _require_room(self, n_new: int) -> None:
        needed, free = n_new * self.bytes_per_picture, shutil.disk_usage(self._folder).free
        if needed + SPARE_BYTES > free:
            raise StorageError(
                f"the features of {n_new} pictures need {needed / 1e9:.1f} GB, and the disk of {self._folder} has"
                f" {free / 1e9:.1f} GB free, of which {SPARE_BYTES / 1e9:g} GB stay free: choose another folder, take"
                " fewer pictures or keep no features"
            )

    def features(self, image: NDArray[np.uint8]) -> ImageFeatures:
        """The features of a picture, encoded at most once.

        Args:
            image: (h, w, 3) RGB.

        Returns:
            Of a batch of 1, in the network's number type and on its device, rounded to float16 the first time too.

        Raises:
            ImageError: another shape or number type.
            StorageError: the disk is full or can't be written.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ImageError(f"a picture needs the shape (h, w, 3) and 8-bit RGB, got {image.shape} of {image.dtype}")
        path = self._folder / f"{_digest(image)}.pt"
        parts = _read(path)
        if parts is None:
            # Contiguous as they will be when read: another order in memory gives other last bits in the decoder.
            parts = [part.half().cpu().contiguous() for part in self._encode(image)]
            self._write(parts, path)
        return self._ready(parts)

    def keep(self, image: NDArray[np.uint8]) -> str:
        """Encode a picture unless that was done before; the name by which `kept` finds its features.

        Raises:
            ImageError: another shape or number type.
            StorageError: the disk is full or can't be written.
        """
        self.features(image)
        return _digest(image)

    def kept(self, name: str) -> ImageFeatures:
        """The features of a picture that was encoded before, as `features` gives them, without the picture.

        Raises:
            StorageError: they were deleted or damaged since.
        """
        parts = _read(self._folder / f"{name}.pt")
        if parts is None:
            raise StorageError(f"features kept in {self._folder} are gone: begin again, and leave that folder alone")
        return self._ready(parts)

    def _ready(self, parts: list[torch.Tensor]) -> ImageFeatures:
        like = self._network.mask_decoder.iou_token.weight
        coarse, *fine = (part.to(like.device, like.dtype) for part in parts)
        return ImageFeatures(coarse=coarse, fine=tuple(fine))

    @torch.no_grad()
    def _encode(self, image: NDArray[np.uint8]) -> tuple[torch.Tensor, ...]:
        frame = ImageFrame(image_hw=(image.shape[0], image.shape[1]), model_size=self._network.image_size)
        device = self._network.mask_decoder.iou_token.weight.device
        rgb = torch.tensor(frame.resize_picture(image), device=device).permute(2, 0, 1)[None].float()
        encoder = self._network.image_encoder
        was_training = encoder.training
        encoder.eval()  # what is kept must not depend on drop path's coins
        features = self._network.encode_image(rgb)
        encoder.train(was_training)
        return (features.coarse, *features.fine)

    def _write(self, parts: list[torch.Tensor], path: Path) -> None:
        self._require_room(1)
        try:
            # A name of its own, as several processes may encode the same picture at the same time.
            handle, unfinished = tempfile.mkstemp(prefix=path.stem, suffix=".unfinished", dir=path.parent)
        except OSError as error:
            raise StorageError(f"features can't be kept in {path.parent}: {error.strerror}") from None
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save({"layout": _LAYOUT, "parts": parts}, file)
            os.replace(unfinished, path)
        except (OSError, RuntimeError) as error:
            raise StorageError(f"features can't be kept in {path.parent} ({error}): make room or keep none") from None
        finally:
            Path(unfinished).unlink(missing_ok=True)


def _read(path: Path) -> list[torch.Tensor] | None:
    """None if there is no file, or one that can't be read."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["layout"] == _LAYOUT:
            parts: list[torch.Tensor] = content["parts"]
            return parts
    except FileNotFoundError:
        return None
    except (
        OSError,
        RuntimeError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
    ):
        _LOG.warning("the features in %s can't be read: encoding the picture again", path)
    return None


def _digest(image: NDArray[np.uint8]) -> str:
    """The same for the same pixels, whatever file they came from."""
    digest = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
