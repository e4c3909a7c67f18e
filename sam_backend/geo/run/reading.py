"""How a run is asked to read its raster, and whether a run that is gone on with reads it so."""

from __future__ import annotations

from sam_backend.errors import RasterError
from sam_backend.geo.read_plan import ReadPlan, plan_reading
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.stretch import STRETCH_PERCENT


def plan_of(request: RunRequest) -> ReadPlan:
    """The reading that a new run is asked for.

    Raises:
        RasterError: see `plan_reading`.
    """
    percent, factor = request.stretch_percent, request.ground_size_factor
    return plan_reading(
        path=request.raster,
        bands=request.bands,
        stretch_percent=STRETCH_PERCENT if percent is None else percent,
        ground_size_factor=1.0 if factor is None else factor,
    )


def check_reads_so(request: RunRequest, kept: ReadPlan) -> None:
    """Make sure that a run which is gone on with reads as asked for; what wasn't told stays as it began.

    Args:
        request: what is told now.
        kept: how the run began to read the same raster.

    Raises:
        RasterError: it reads otherwise; the message names what differs.
    """
    bands, percent, factor = request.bands, request.stretch_percent, request.ground_size_factor
    told = {"bands": bands, "stretch": percent, "ground_size_factor": factor}
    if all(value is None for value in told.values()):
        return
    asked = plan_reading(
        path=request.raster,
        bands=kept.bands if bands is None else bands,
        stretch_percent=STRETCH_PERCENT if percent is None else percent,
        ground_size_factor=kept.ground_size_factor if factor is None else factor,
    )
    ours, theirs = kept.to_json(), asked.to_json()
    for name in (name for name, value in told.items() if value is not None and ours[name] != theirs[name]):
        raise RasterError(
            f"the run to go on with has another {name.replace('_', ' ')} ({ours[name]}) than asked for "
            f"({theirs[name]}): leave it out or ask for the same, or start anew without --resume"
        )
