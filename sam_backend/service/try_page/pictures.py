"""Pictures that a browser sent: known by the hash of their bytes, kept as embeddings only."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import RequestError, SamBackendError
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.picture import decode_picture
from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_desk import EncodeDesk
from sam_backend.service.patience import Patience

_PICTURE_ID = re.compile(r"[0-9a-f]{64}")


class PictureForgottenError(SamBackendError):
    """The embedding of a picture is no longer kept, or never was: the picture has to be sent again."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The embeddings of the whole service, as the page asks for them. Bytes and pixels aren't kept."""

    desk: EncodeDesk
    max_pixels: int

    def add(self, predictor: Predictor, data: bytes, patience: Patience) -> tuple[str, Embedding]:
        """Encode the picture in the file ``data`` unless it is known; returns its id and embedding.

        Raises:
            ImageError: no picture, a damaged one, or one of too many pixels.
            EncodesBusyError: no place is left, or patience ended.
        """
        picture_id = hashlib.sha256(data).hexdigest()
        handed_out = self.desk.hand_out(predictor, picture_id, lambda: self._decode(data), patience)
        return picture_id, handed_out.embedding

    def get(self, predictor: Predictor, picture_id: str) -> Embedding:
        """Return the embedding of a picture that was sent before.

        Raises:
            RequestError: that is no id.
            PictureForgottenError: nothing is kept of it.
        """
        if not _PICTURE_ID.fullmatch(picture_id):
            raise RequestError("a picture's id is the one that came back when it was sent: 64 digits 0-9 and a-f")
        found = self.desk.at_hand(predictor, picture_id)
        if found is None:
            raise PictureForgottenError("this picture isn't kept here any more: send it again")
        return found.embedding

    def _decode(self, data: bytes) -> NDArray[np.uint8]:
        return decode_picture(data, name="the picture", max_pixels=self.max_pixels)
