"""Objects found beside true ones: which is which, and what follows from it. Outlines are shapely's, of one CRS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sam_backend.errors import OptionsError


@dataclass(frozen=True, slots=True, eq=False)
class OutlineMatching:
    """Outlines found and true ones, paired one to one from a least IoU on."""

    n_found: int
    n_true: int

    pairs: NDArray[np.intp]
    """(n, 2): index of an outline found and of the true one that it is, by falling IoU."""

    pair_iou: NDArray[np.float64]
    """(n,)."""

    best_iou: NDArray[np.float64]
    """(n_true,): of each true outline with whichever was found that fits it best; others may have it too."""

    @property
    def precision(self) -> float:
        """Share of what was found that is true; 1 where nothing was found."""
        return len(self.pairs) / self.n_found if self.n_found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true outlines that were found; 1 where there are none."""
        return len(self.pairs) / self.n_true if self.n_true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where there is nothing and nothing was found."""
        n_both = self.n_found + self.n_true
        return 2 * len(self.pairs) / n_both if n_both else 1.0

    @property
    def mean_pair_iou(self) -> float:
        """Over the pairs; NaN without one."""
        return float(self.pair_iou.mean()) if len(self.pair_iou) else float("nan")

    @property
    def mean_best_iou(self) -> float:
        """Over all true outlines, 0 for one that nothing meets; NaN without one."""
        return float(self.best_iou.mean()) if len(self.best_iou) else float("nan")


def match_outlines(
    found: Sequence[shapely.Geometry], true: Sequence[shapely.Geometry], min_iou: float = 0.5
) -> OutlineMatching:
    """Pair outlines: as many pairs as can be, and of those pairings that of the largest sum of IoUs.

    Args:
        found: (multi)polygons.
        true: (multi)polygons in the same CRS.
        min_iou: of a pair, above 0.

    Raises:
        OptionsError: ``min_iou`` isn't above 0 and up to 1.
    """
    if not 0 < min_iou <= 1:
        raise OptionsError(f"pairs from an IoU of {min_iou:g} on make no sense: give a number above 0 and up to 1")
    iou = outline_iou(found, true)
    may_pair = iou >= min_iou
    # A pair more is worth more than all IoUs of the others together.
    worth = np.where(may_pair, 1 + min(iou.shape) + iou, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    is_pair = may_pair[rows, columns]
    pairs = np.stack([rows[is_pair], columns[is_pair]], axis=1)
    pair_iou = iou[pairs[:, 0], pairs[:, 1]]
    order = np.argsort(-pair_iou, kind="stable")
    return OutlineMatching(len(found), len(true), pairs[order], pair_iou[order], iou.max(axis=0, initial=0.0))


def outline_iou(found: Sequence[shapely.Geometry], true: Sequence[shapely.Geometry]) -> NDArray[np.float64]:
    """IoU of the areas of every outline found with every true one: (n_found, n_true); 0 where neither has an area.

    Rings that cross themselves are mended first.
    """
    ours, theirs = (shapely.make_valid(np.array(some, np.object_)) for some in (found, true))
    iou = np.zeros((len(ours), len(theirs)))
    if not iou.size:
        return iou
    columns, rows = shapely.STRtree(ours).query(theirs, predicate="intersects")
    shared = shapely.area(shapely.intersection(ours[rows], theirs[columns]))
    either = shapely.area(ours[rows]) + shapely.area(theirs[columns]) - shared
    iou[rows, columns] = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
    return iou
