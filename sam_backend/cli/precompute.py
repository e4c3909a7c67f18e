"""``precompute``: every picture of a project encoded ahead, so that no first click waits for it."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import NoReturn

from tqdm import tqdm

from sam_backend.cli.lazy_model import LazyModel
from sam_backend.cli.studio_arguments import (
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    SAME_ENVIRONMENT,
    StudioConnection,
    add_studio,
    read_settings,
)
from sam_backend.errors import SettingsError
from sam_backend.label_studio.project.picture_notes import PictureNotes
from sam_backend.label_studio.project.precomputing import Outcome, Precomputing
from sam_backend.label_studio.project.studio_project import ProjectAbout
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.settings import Settings
from sam_backend.store.byte_store import ByteStore
from sam_backend.store.open_store import open_shared_store


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "precompute",
        help="encode every picture of a Label Studio project ahead of the first click",
        description="Puts the embeddings of a project's pictures into the cache that the service reads. "
        f"{SAME_ENVIRONMENT}. May be stopped anywhere: run again, it does what is missing. Ends with 1 if a picture "
        "couldn't be used.",
    )
    add_studio(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Encode what isn't in the cache yet; 0 if all of the project's pictures are there then."""
    settings = read_settings(arguments)
    store = _shared_store(settings)
    connection = StudioConnection.of(settings, arguments.project)
    about = connection.project.about()
    _check_pictures(about)
    model = LazyModel.of_settings(settings)
    nothing_kept: EmbeddingCache[Embedding] = EmbeddingCache(capacity_bytes=0)
    work = Precomputing(
        config=about.config,
        source=connection.source,
        embeddings=EmbeddingLibrary(nothing_kept, store),
        notes=PictureNotes(store),
        version=model.version(),
        load=model.load,
        max_pixels=settings.max_megapixels * 1_000_000,
    )
    n_tasks = connection.project.count()
    counts: Counter[str] = Counter()
    capacity_bytes = settings.cache_disk_mb * 1_000_000 if settings.cache_url.startswith("file:") else None
    is_interrupted = False
    with tqdm(total=n_tasks * len(about.config.variables), unit=" pictures", disable=None, file=sys.stderr) as bar:
        try:
            for outcome in work.run(connection.project.tasks()):
                if outcome.state == "made" and not counts["made"]:
                    _warn_if_too_many(outcome, n_tasks, capacity_bytes)
                counts[outcome.state] += 1
                _show(outcome, bar)
        except KeyboardInterrupt:
            is_interrupted = True
    return _say_the_end(counts, about, is_interrupted=is_interrupted)


def _shared_store(settings: Settings) -> ByteStore:
    store = open_shared_store(settings.cache_url, settings.cache_disk_mb * 1_000_000)
    if store is None:
        raise SettingsError(
            "embeddings in memory would be gone with this command: set SAM_CACHE_URL, for the service too, or give "
            "--cache-url file:///FOLDER or redis://HOST"
        )
    return store


def _check_pictures(about: ProjectAbout) -> None:
    if not about.config.variables:
        raise SettingsError(
            f"the labeling config of {about.title!r} has no <Image> with a $variable, so the project has no pictures"
        )


def _warn_if_too_many(outcome: Outcome, n_tasks: int, capacity_bytes: int | None) -> None:
    wanted_bytes = outcome.n_bytes * n_tasks
    if capacity_bytes is not None and wanted_bytes > 7 / 8 * capacity_bytes:
        tqdm.write(
            f"warning: {n_tasks} pictures need about {wanted_bytes / 1e6:.0f} MB, of which SAM_CACHE_DISK_MB="
            f"{capacity_bytes / 1e6:g} keeps the last used only: raise it, for the service too",
            file=sys.stderr,
        )


def _show(outcome: Outcome, bar: tqdm[NoReturn]) -> None:
    if outcome.error is not None:
        tqdm.write(f"skipped task {outcome.task_id}, {outcome.name}: {outcome.error}", file=sys.stderr)
    bar.update()


def _say_the_end(counts: Counter[str], about: ProjectAbout, *, is_interrupted: bool) -> int:
    done = f"{counts['made']} pictures encoded, {counts['was there']} were there, {counts['failed']} failed"
    if is_interrupted:
        print(f"stopped: {done}; the same command goes on from here")
        return EXIT_INTERRUPTED
    print(f"{about.title}: {done}")
    return EXIT_SOME_FAILED if counts["failed"] else 0
