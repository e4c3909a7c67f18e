"""A version trained from the tiny model, put in force as the service would."""

import dataclasses
from pathlib import Path

import torch

from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.model.sam import Sam
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.version import Version


def put_in_force(data_folder: Path, network: Sam, base: str) -> Version:
    """Keep ``network`` with another bias in its decoder, as trained from ``base``, and let it answer."""
    book = VersionBook(data_folder / "versions")
    begun = book.begin(7)
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    weights["mask_decoder.iou_token.weight"] += 0.01
    torch.save(weights, book.weights(begun.name))
    known = dataclasses.replace(begun, base=base, model_version=checkpoint_version(str(book.weights(begun.name))))
    version = book.end(known, "ready")
    book.use(version.name)
    return version
