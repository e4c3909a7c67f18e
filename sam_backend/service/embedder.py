"""From a picture's address to its embedding: fetched, recognised by its content, encoded once."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.download import shown_url
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.picture_cache import FetchedPicture
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.picture import decode_picture
from sam_backend.predict.predictor import Predictor
from sam_backend.predict.zoom import Crop
from sam_backend.service.encode_desk import EncodeDesk
from sam_backend.service.event_log import log_event
from sam_backend.service.fetch_seats import FetchSeats
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.model_wait import wait_for_model
from sam_backend.service.patience import Patience
from sam_backend.service.setup_memory import SetupMemory

_WAIT_FOR_MODEL_S = 60.0  # Label Studio gives up after 100 s, and the picture has to be fetched and encoded too


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """A picture that can be prompted."""

    predictor: Predictor
    data: bytes
    """Of the file."""

    name: str
    """What to call it in a log."""

    digest: str
    """Of its content and the image encoder, or of nothing else: a session goes on when a version with the same encoder
    takes over."""

    embedding: Embedding
    was_known: bool
    """Whether nothing had to be encoded."""

    fetch_s: float
    """The wait for the model included."""

    embed_s: float


@dataclass(frozen=True, slots=True)
class Embedder:
    """Built once, used by many threads."""

    model: ModelLoader
    image_source: ImageSource
    setups: SetupMemory
    desk: EncodeDesk
    crop_desk: EncodeDesk
    """For parts of pictures."""

    fetch_seats: FetchSeats
    max_pixels: int

    def see(self, project: str | None, task_id: int | None, uri: str, patience: Patience) -> SeenPicture:
        """Fetch and encode a picture of a task.

        By content, not by address: a picture that is replaced under its address is encoded anew.

        Raises:
            SamBackendError: of the kind that says what to do.
        """
        started_s = time.perf_counter()
        predictor = wait_for_model(self.model, self.desk.lanes, patience.but_at_most(_WAIT_FOR_MODEL_S))
        picture = self._fetch(project, task_id, uri, patience)
        fetched_s = time.perf_counter()
        digest, name = picture.sha256.hex(), shown_url(uri)
        handed_out = self.desk.hand_out(predictor, digest, lambda: self._decode(picture.data, name), patience)
        return SeenPicture(
            predictor=predictor,
            data=picture.data,
            name=name,
            digest=f"{predictor.encoder_version}/{digest}",
            embedding=handed_out.embedding,
            was_known=handed_out.source != "encoder",
            fetch_s=fetched_s - started_s,
            embed_s=time.perf_counter() - fetched_s,
        )

    def see_crop(self, picture: SeenPicture, crop: Crop, patience: Patience) -> Embedding:
        """Encode a part of a picture.

        Raises:
            EncodesBusyError: no place is left, or patience ended.
        """
        content = f"{picture.digest}/{crop.left},{crop.top},{crop.right},{crop.bottom}"
        handed_out = self.crop_desk.hand_out(
            picture.predictor,
            content,
            lambda: crop.of(self._decode(picture.data, picture.name)),
            patience,
        )
        return handed_out.embedding

    def _fetch(self, project: str | None, task_id: int | None, uri: str, patience: Patience) -> FetchedPicture:
        place = (uri, self.setups.host_of(project), task_id)
        if not patience.is_person or self.image_source.is_at_hand(*place):
            return self.image_source.fetch(*place)
        with self.fetch_seats.take():
            return self.image_source.fetch(*place)

    def _decode(self, data: bytes, name: str) -> NDArray[np.uint8]:
        """Once per picture, or part of one, and store: the log tells."""
        log_event("encoding", picture=name)
        return decode_picture(data, name=name, max_pixels=self.max_pixels)
