// Masks as COCO run lengths (down the columns, background first), and as bytes of the part that holds the object.

/** A mask in its bounding box: `pixels` is row by row, 1 = object; x0, y0 in image px. */
export class MaskCrop {
  constructor(x0, y0, width, height) {
    Object.assign(this, { x0, y0, width, height });
    this.pixels = new Uint8Array(width * height);
  }

  /** 1 where the crop's pixel (x, y) is of the object; 0 elsewhere and outside. */
  at(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height ? this.pixels[y * this.width + x] : 0;
  }

  /** Paint it in one colour: a canvas of the crop's size, transparent beside the object. */
  toCanvas([red, green, blue], alpha = 255) {
    const canvas = new OffscreenCanvas(Math.max(1, this.width), Math.max(1, this.height));
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const words = new Uint32Array(image.data.buffer); // little-endian: ABGR
    const word = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let i = 0; i < this.pixels.length; i++) if (this.pixels[i]) words[i] = word;
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

/** Read `{size: [h, w], counts: "..."}`; `bbox` is the object's [left, top, width, height]. */
export function decodeCocoRle({ size: [height], counts }, bbox) {
  const crop = new MaskCrop(...bbox);
  let at = 0;
  let isObject = false;
  for (const run of unpackCounts(counts)) {
    if (isObject) fillRun(crop, at, at + run, height);
    at += run;
    isObject = !isObject;
  }
  return crop;
}

/** The compressed form: six bits a sign, five of them number, least first; from the third on a difference. */
function unpackCounts(text) {
  const counts = [];
  for (let i = 0; i < text.length;) {
    let value = 0;
    let shift = 0;
    let code;
    do {
      code = text.charCodeAt(i++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
    } while (code & 32);
    if (code & 16) value |= -1 << shift;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

function fillRun(crop, start, end, height) {
  let x = Math.floor(start / height);
  let y = start - x * height;
  for (let i = start; i < end; i++) {
    crop.pixels[(y - crop.y0) * crop.width + (x - crop.x0)] = 1;
    if (++y === height) { y = 0; x++; }
  }
}
