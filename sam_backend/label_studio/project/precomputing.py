"""Every picture of a project encoded ahead of the first click. What is in the cache already costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sam_backend.errors import ImageError, ImageSourceError, StorageError
from sam_backend.label_studio.download import shown_url
from sam_backend.label_studio.image_source import ImageSource, PicturePlace
from sam_backend.label_studio.labeling_config import LabelingConfig
from sam_backend.label_studio.picture_cache import FetchedPicture
from sam_backend.label_studio.project.lookahead import ahead
from sam_backend.label_studio.project.picture_notes import PictureNote, PictureNotes
from sam_backend.label_studio.request import Task
from sam_backend.predict.embedding_codec import encoded_nbytes
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.picture import decode_picture

if TYPE_CHECKING:
    from sam_backend.predict.predictor import Predictor

N_DOWNLOADS = 4
"""At the same time; as many pictures at most wait in memory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one picture."""

    task_id: int | None
    name: str
    """Its address, as it may stand in a log."""

    state: Literal["was there", "made", "failed"]
    error: str | None = None
    n_bytes: int = 0
    """Of the embedding that was made, in the cache."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """One picture after it was looked for, by a thread that downloads."""

    task_id: int | None
    name: str
    place: PicturePlace | None = None
    picture: FetchedPicture | None = None
    """None where it is in the cache already, or couldn't be had."""

    error: str | None = None


@dataclass(frozen=True, slots=True)
class Precomputing:
    """Puts embeddings where the service looks for them: by model version and content of the file."""

    config: LabelingConfig
    source: ImageSource
    embeddings: EmbeddingLibrary
    notes: PictureNotes
    version: str
    """Of the model."""

    load: Callable[[], Predictor]
    """Gives the model; asked only when a picture has to be encoded."""

    max_pixels: int

    def run(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Go through the pictures of tasks; an outcome for each. May be stopped anywhere, and begun again.

        Raises:
            StorageError: the cache can't be used, or can't hold an embedding.
        """
        pictures = ((task, uri) for task in tasks for uri in task.picture_uris(self.config))
        with ThreadPoolExecutor(N_DOWNLOADS, thread_name_prefix="download") as threads:
            try:
                for looked in ahead(threads, lambda pair: self._look(*pair), pictures, N_DOWNLOADS):
                    yield self._finish(looked)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _look(self, task: Task, uri: str) -> _Looked:
        name = shown_url(uri)
        try:
            place = self.source.place_of(uri, task.id)
            if place is None:
                return _Looked(task.id, name, None, self.source.fetch(uri, None, task.id))
            return _Looked(task.id, name, place, self._changed(place))
        except ImageSourceError as error:
            return _Looked(task.id, name, error=str(error))

    def _changed(self, place: PicturePlace) -> FetchedPicture | None:
        """The picture at a place; None if it is one whose embedding is there."""
        note = self.notes.read(place.url)
        if note is None or not self.embeddings.holds(self.version, note.digest):
            return self.source.download(place)
        if place.never_changes:
            return None
        known = note.as_known
        picture = self.source.download(place, known)
        return None if picture is known else picture

    def _finish(self, looked: _Looked) -> Outcome:
        if looked.error is not None:
            return Outcome(looked.task_id, looked.name, "failed", looked.error)
        picture = looked.picture
        if picture is None:
            return Outcome(looked.task_id, looked.name, "was there")
        try:
            n_bytes = self._encode(picture, looked.name)
        except ImageError as error:
            return Outcome(looked.task_id, looked.name, "failed", str(error))
        if looked.place is not None:
            self.notes.write(looked.place.url, PictureNote.of(picture))
        return Outcome(looked.task_id, looked.name, "made" if n_bytes else "was there", n_bytes=n_bytes)

    def _encode(self, picture: FetchedPicture, name: str) -> int:
        """Bytes of the embedding; 0 if it was there."""
        digest = picture.sha256.hex()
        if self.embeddings.holds(self.version, digest):
            return 0
        embedding = self.embeddings.get_or_make(
            self.load(), digest, lambda: decode_picture(picture.data, name=name, max_pixels=self.max_pixels)
        )
        if not self.embeddings.holds(self.version, digest):
            raise StorageError(
                "the cache doesn't keep an embedding that was just put there, so it is too small: raise "
                "SAM_CACHE_DISK_MB, or the memory of Redis"
            )
        return encoded_nbytes(embedding)
