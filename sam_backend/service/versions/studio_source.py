"""A project's annotations and pictures, from Label Studio by the service's own token or from an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sam_backend.errors import DatasetError, RequestError, SettingsError
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.download import Downloader, FetchLimits
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.labeling_config import LabelingConfig
from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.label_studio.project.studio_line import StudioLine
from sam_backend.label_studio.project.studio_project import StudioProject
from sam_backend.label_studio.request import Task, parse_task
from sam_backend.label_studio.tokens import TokenExchange
from sam_backend.settings import Settings
from sam_backend.training.data.json_file import read_json
from sam_backend.training.data.label_studio_export import is_label_studio_export
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.project.tasks import AnnotatedPicture, annotated_pictures


@dataclass(frozen=True, slots=True)
class StudioSource:
    """One project of a Label Studio; see `AnnotatedProject`."""

    project: StudioProject
    images: ImageSource
    tasks: Sequence[Task] | None = None
    """Of an export, instead of those that Label Studio holds now."""

    def pictures(self, skipped: SkippedItems) -> Iterator[AnnotatedPicture]:
        """Every annotated picture.

        Raises:
            StudioError: Label Studio refuses.
            ImageSourceError: it can't be reached.
        """
        config: LabelingConfig = self.project.about().config
        tasks = self.project.annotated_tasks() if self.tasks is None else self.tasks
        return annotated_pictures(tasks, config, skipped)

    def fetch(self, uri: str, task: int) -> bytes:
        """The file of a picture.

        Raises:
            ImageSourceError: it can't be had.
        """
        return self.images.fetch(uri, task_id=task).data


def check_reachable(settings: Settings) -> LabelStudioHost:
    """Label Studio as the settings name it.

    Raises:
        SettingsError: they lack its address or token.
    """
    url, key = settings.label_studio_url, settings.label_studio_api_key
    if url is None or key is None:
        lacking = " and ".join(
            name for name, value in (("LABEL_STUDIO_URL", url), ("LABEL_STUDIO_API_KEY", key)) if value is None
        )
        raise SettingsError(f"a training reads the project's annotations from Label Studio: set {lacking}, and restart")
    return LabelStudioHost(url, key, is_configured=True)


def open_studio_project(settings: Settings, project: int, export: Path | None = None) -> StudioSource:
    """Get ready to read a project; nothing is asked yet.

    Args:
        settings: with address and token.
        project: its id.
        export: a file in Label Studio's format JSON, to take annotations from.

    Raises:
        SettingsError: address or token are lacking.
        DatasetError: the export can't be read.
    """
    host = check_reachable(settings)
    allowed = AllowedHosts.of(settings.allowed_hosts)
    tokens = TokenExchange(allowed)
    limits = FetchLimits(max_bytes=settings.max_picture_mb * 1_000_000, timeout_s=settings.fetch_timeout_s)
    images = ImageSource(
        own_host=host,
        local_files_root=settings.local_files_root,
        downloader=Downloader(limits, allowed, tokens),
        cache=PictureCache(capacity_bytes=0),
        public_url=settings.label_studio_public_url,
    )
    tasks = None if export is None else _read_export(export)
    return StudioSource(StudioProject(StudioLine(host, tokens), project), images, tasks)


def _read_export(file: Path) -> list[Task]:
    document = read_json(file)
    if not is_label_studio_export(document):
        raise DatasetError(f"{file} isn't Label Studio's export: wanted the format JSON, not JSON-MIN")
    try:
        return [parse_task(task) for task in document]
    except RequestError as error:
        raise DatasetError(f"{file} holds a task that can't be read ({error}): export it again as JSON") from None
