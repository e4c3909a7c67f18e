"""From what every tile saw to whole objects of the raster.

    tile's masks ──► Fragment ──► Merger (match over strips, group, resolve, leftovers) ──► MergedObject
                                      └──► apply_nesting · healing_tasks · outline_on_grid_share

All coordinates are run px of the whole raster, see `sam_backend.geo.tiles.TileGrid`.
"""

from sam_backend.geo.merge.fragment import Fragment, MergedObject
from sam_backend.geo.merge.merger import Merger, merge_fragments
from sam_backend.geo.merge.nesting import NestingPolicy, apply_nesting
from sam_backend.geo.merge.outline import outline_on_grid_share
from sam_backend.geo.merge.rules import MergeRules
from sam_backend.geo.merge.seam_healing import HealingTask, accept, healing_tasks

__all__ = [
    "Fragment",
    "HealingTask",
    "MergeRules",
    "MergedObject",
    "Merger",
    "NestingPolicy",
    "accept",
    "apply_nesting",
    "healing_tasks",
    "merge_fragments",
    "outline_on_grid_share",
]
