"""All masks of every picture of a folder: what is done stays done, and one bad file doesn't stop the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from sam_backend.cli.recipe import RECIPE_NAME, Recipe
from sam_backend.errors import ImageError, MaskError, OptionsError
from sam_backend.predict.automatic.annotation_files import (
    begins_as_written,
    coco_content,
    read_sa1b,
    sa1b_content,
    write_json,
)
from sam_backend.predict.automatic.generator import generate
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.picture import read_picture
from sam_backend.predict.predictor import Predictor

PICTURE_ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
COCO_NAME = "coco.json"
EXIT_SOME_FAILED = 1


@dataclass(frozen=True, slots=True)
class FolderRun:
    """Pictures and where their masks go."""

    outputs: dict[Path, Path]
    """By picture, in the order of names."""

    coco_file: Path

    @classmethod
    def plan(cls, source: Path, target: Path) -> FolderRun:
        """List a folder's pictures and make the folder of the outputs.

        Raises:
            OptionsError: there is no picture, or two would have the same output.
        """
        pictures = sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURE_ENDINGS)
        if not pictures:
            raise OptionsError(f"{source} has no picture: {', '.join(sorted(PICTURE_ENDINGS))} are looked for")
        by_output: dict[Path, Path] = {}
        for picture in pictures:
            output = target / f"{picture.stem}.json"
            if output in by_output or output.name in {COCO_NAME, RECIPE_NAME}:
                rival = by_output.get(output, Path(output.name))
                raise OptionsError(f"{picture.name} and {rival.name} would both be written to {output}: rename one")
            by_output[output] = picture
        target.mkdir(parents=True, exist_ok=True)
        return cls({picture: output for output, picture in by_output.items()}, target / COCO_NAME)

    def run(self, load: Callable[[], Predictor], recipe: Recipe) -> int:
        """Segment what isn't done yet, then write the COCO file of all that is.

        Args:
            load: the recipe's model, if there is something to do.
            recipe: of the masks.

        Returns:
            0, or 1 if a picture was bad.

        Raises:
            MaskError: a file that is there already isn't one that this command wrote.
            OptionsError: the folder is for masks of another recipe.
        """
        finished = self._finished()
        todo = [picture for picture in self.outputs if picture not in finished]
        recipe.keep_to(self.coco_file.parent, holds_masks=bool(finished) or self._holds_masks_of_others())
        predictor = load() if todo else None
        bad = [one for one in _progress(todo) if predictor and not self._segment(one, predictor, recipe.options)]
        done = [output for picture, output in self.outputs.items() if picture not in bad]
        write_json(coco_content(map(read_sa1b, done)), self.coco_file)
        n_before = len(self.outputs) - len(todo)
        print(f"wrote {self.coco_file}: {len(done)} pictures, {n_before} of them from before; {len(bad)} bad")
        return EXIT_SOME_FAILED if bad else 0

    def _finished(self) -> set[Path]:
        """Pictures with masks from before. What lies in the place of masks is found out before the model runs."""
        finished = {picture: output for picture, output in self.outputs.items() if output.exists()}
        for output in finished.values():
            if not begins_as_written(output):
                read_sa1b(output)
        return set(finished)

    def _holds_masks_of_others(self) -> bool:
        """Whether another folder's pictures had their masks written here; JSON of other programs counts for nothing."""
        known = {COCO_NAME, RECIPE_NAME, *(output.name for output in self.outputs.values())}
        others = (path for path in self.coco_file.parent.glob("*.json") if path.name not in known)
        return any(path.is_file() and begins_as_written(path) for path in others)

    def _segment(self, picture: Path, predictor: Predictor, options: AutomaticOptions) -> bool:
        try:
            image = read_picture(picture)
            records = generate(predictor, image, options)
        except (ImageError, MaskError) as error:
            tqdm.write(f"skipped {picture.name}: {error}", file=sys.stderr)
            return False
        write_json(sa1b_content(records, (image.shape[0], image.shape[1]), picture.name), self.outputs[picture])
        return True


def _progress(pictures: list[Path]) -> Iterable[Path]:
    bar: Iterable[Path] = tqdm(pictures, unit=" pictures", disable=None, file=sys.stderr)
    return bar
