// One mask of the server's answer; what drawing and downloads need of it is made when it is first asked for.

import { decodeCocoRle } from "./coco_rle.js";
import { outlinePath, traceOutline } from "./outline.js";

export class Mask {
  #crop = null;
  #pieces = null;
  #path = null;
  #painted = null;
  #colour = null;

  /** `answer` has segmentation, area, bbox, predicted_iou, low_res, kind. */
  constructor(answer) { Object.assign(this, answer); }

  get crop() { return (this.#crop ??= decodeCocoRle(this.segmentation, this.bbox)); }
  get pieces() { return (this.#pieces ??= traceOutline(this.crop)); }
  get path() { return (this.#path ??= outlinePath(this.pieces)); }

  paintedIn(colour) {
    if (this.#colour !== colour) {
      this.#painted = this.crop.toCanvas(colour);
      this.#colour = colour;
    }
    return this.#painted;
  }
}
