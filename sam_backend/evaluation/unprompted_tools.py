"""Tools that find every object of a picture by themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter

from sam_backend.evaluation.extras import import_extra

SMOOTHING_PX = 1.0
"""Standard deviation of the blur before the threshold and of that of the distances."""

DEPTH_BETWEEN_PX = 1.0
"""Two nuclei are told apart where the way between their middles comes so much nearer to the edge."""


def otsu_watershed(image: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The usual recipe for nuclei, of scikit-image: Otsu's threshold, then a watershed of the distance to the edge.

    The smaller part of the picture is taken for the objects, whether it is brighter or darker.

    Args:
        image: (h, w, 3) RGB.

    Returns:
        (h, w): the objects' labels from 1 on, 0 = background.

    Raises:
        MissingExtraError: scikit-image isn't installed.
    """
    filters, segmentation = import_extra("skimage.filters"), import_extra("skimage.segmentation")
    measure, morphology = import_extra("skimage.measure"), import_extra("skimage.morphology")
    grey = gaussian_filter(image.mean(axis=2), SMOOTHING_PX)
    bright = grey > filters.threshold_otsu(grey)
    objects = binary_fill_holes(bright if bright.mean() <= 0.5 else ~bright)
    distance_px: NDArray[np.float64] = gaussian_filter(distance_transform_edt(objects), SMOOTHING_PX)
    middles = measure.label(morphology.h_maxima(distance_px, DEPTH_BETWEEN_PX))
    labels: NDArray[np.int32] = segmentation.watershed(-distance_px, middles, mask=objects)
    return labels


def best_match_iou(labels: NDArray[np.integer], truth: NDArray[np.bool_]) -> float:
    """IoU of an object (h, w) with that label of a picture (h, w) which fits it best, as if someone chose it."""
    overlaps_px = np.bincount(labels[truth])
    if len(overlaps_px) < 2:  # only background, or nothing at all
        return 0.0
    areas_px = np.bincount(labels.ravel(), minlength=len(overlaps_px))[: len(overlaps_px)]
    unions_px = areas_px + np.count_nonzero(truth) - overlaps_px
    return float((overlaps_px / unions_px)[1:].max())
