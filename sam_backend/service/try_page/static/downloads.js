// Files made in the browser. JSON and GeoJSON have the form that `segment -o` writes.

import { signedArea } from "./outline.js";

/** Each object in its colour, transparent where none is. */
export async function toPng(picture, objects) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  for (const { mask, colour } of objects) context.drawImage(mask.paintedIn(colour), mask.crop.x0, mask.crop.y0);
  return canvas.convertToBlob({ type: "image/png" });
}

export function toJson({ name, width, height }, objects) {
  const masks = objects.map(({ mask: { segmentation, area, bbox, predicted_iou } }) => (
    { segmentation, area, bbox, predicted_iou }
  ));
  return jsonBlob({ image: { file_name: name, height, width }, masks }, "application/json");
}

export function toGeoJson(objects) {
  const features = objects.map(({ mask }) => ({
    type: "Feature",
    properties: { predicted_iou: Number(mask.predicted_iou.toFixed(4)), area_px: mask.area },
    geometry: { type: "MultiPolygon", coordinates: mask.pieces.map(toRings) },
  }));
  const coordinates = "image px, x right, y down";
  return jsonBlob({ type: "FeatureCollection", coordinates, features }, "application/geo+json");
}

/** RFC 7946: exteriors counter-clockwise, holes clockwise, seen with y up; the first corner comes again at the end. */
function toRings({ exterior, holes }) {
  return [closed(exterior, true), ...holes.map((hole) => closed(hole, false))];
}

function closed(ring, isCounterClockwise) {
  const turned = signedArea(ring) > 0 === isCounterClockwise ? ring : ring.toReversed();
  return [...turned, turned[0]];
}

function jsonBlob(value, type) {
  return new Blob([JSON.stringify(value), "\n"], { type });
}

/** Let the browser save `blob`. */
export function save(blob, pictureName, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${pictureName.replace(/\.[^.]*$/, "")}-masks.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
