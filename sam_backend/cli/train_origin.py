"""What a run of ``train`` began with besides its settings: whoever resumes it has to mean the same."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Sequence

from sam_backend.cli.data_spec import DataSpec
from sam_backend.model.checkpoint import checkpoint_version


def origin_json(arguments: argparse.Namespace, held_out_share: float, held_out: Iterable[Sequence[str]]) -> str:
    """Write down where a run's lessons, its judgement and its first weights come from.

    Args:
        arguments: of ``train``.
        held_out_share: for data sets that don't say their own.
        held_out: the names of the pictures that judge, by data set.

    Raises:
        CheckpointError: the weights to go on from aren't there.
    """
    names = [list(one) for one in held_out]
    digest = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]
    record = {
        "data": [_words(spec) for spec in arguments.data],
        "cutouts": [_words(spec) for spec in arguments.cutouts],
        "scenes": arguments.scenes,
        "cached": arguments.cached is not None,
        "held_out_share": held_out_share,
        "held_out_pictures": f"{sum(map(len, names))} of SHA-256 {digest}",
        "init": None if arguments.init is None else checkpoint_version(arguments.init),
    }
    return json.dumps(record, indent=2) + "\n"


def _words(spec: DataSpec) -> str:
    """The same for the same data, wherever the command is given and in whatever order of words."""
    return ",".join([str(spec.path.resolve()), *sorted(spec.words)])
