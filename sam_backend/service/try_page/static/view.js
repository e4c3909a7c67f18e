// The canvas: which pixel of the picture lies where on the screen, and everything that is drawn.
// Two frames: image px (of the picture) and screen px (CSS pixels from the canvas' top left).

import { IN_HAND } from "./annotation.js";

const MOST_ZOOM = 40;
const ZOOM_STEP = 1.25;
const MARK_PX = 8;
const TOOLS_PX = 58; // the tools lie above the picture until somebody zooms or moves it

export class View {
  scale = 1; // screen px in one image px
  #x = 0; // of the picture's top left, in screen px
  #y = 0;
  #bitmap = null;
  #scene = { kept: [], mask: null, step: null };
  #band = null; // a box being dragged, in image px
  #cross = null; // the keyboard's cross-hair, in image px
  #isFitted = true;
  #isDue = false;

  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  get size() { return this.#bitmap && { width: this.#bitmap.width, height: this.#bitmap.height }; }
  get cross() { return this.#cross; }

  show(bitmap) {
    this.#bitmap?.close();
    this.#bitmap = bitmap;
    this.#cross = null;
    this.fit();
  }

  clear() {
    this.#bitmap?.close();
    this.#bitmap = null;
    this.#redraw();
  }

  setScene(scene) { this.#scene = scene; this.#redraw(); }
  setBand(box) { this.#band = box; this.#redraw(); }
  setCross(point) { this.#cross = point; this.#redraw(); }

  screenToImage([x, y]) { return [(x - this.#x) / this.scale, (y - this.#y) / this.scale]; }

  /** Whether a point in image px lies on the picture. */
  holds([x, y]) {
    return this.#bitmap !== null && x >= 0 && y >= 0 && x < this.#bitmap.width && y < this.#bitmap.height;
  }

  /** The nearest point of the picture. */
  clip([x, y]) { return [clamp(x, 0, this.#bitmap.width), clamp(y, 0, this.#bitmap.height)]; }

  fit() {
    if (!this.#bitmap) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.scale = this.#fitScale();
    this.#x = (width - this.scale * this.#bitmap.width) / 2;
    this.#y = TOOLS_PX + (height - TOOLS_PX - this.scale * this.#bitmap.height) / 2;
    this.#isFitted = true;
    this.#redraw();
  }

  #fitScale() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const margin = width > 600 ? 32 : 8;
    const scale = Math.min((width - margin) / this.#bitmap.width, (height - TOOLS_PX - margin / 2) / this.#bitmap.height);
    return clamp(scale, 0.001, 8);
  }

  /** Zoom by a factor around a point in screen px, by default the middle. */
  zoom(factor, [x, y] = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2]) {
    if (!this.#bitmap) return;
    const scale = clamp(this.scale * factor, this.#fitScale() / 2, MOST_ZOOM);
    this.#x = x - ((x - this.#x) * scale) / this.scale;
    this.#y = y - ((y - this.#y) * scale) / this.scale;
    this.scale = scale;
    this.#isFitted = false;
    this.#redraw();
  }

  zoomStep(direction) { this.zoom(ZOOM_STEP ** direction); }

  pan(dx, dy) {
    this.#x += dx;
    this.#y += dy;
    this.#isFitted = false;
    this.#redraw();
  }

  #resize() {
    if (this.#isFitted) this.fit();
    this.#redraw();
  }

  #redraw() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => { this.#isDue = false; this.#draw(); });
  }

  #draw() {
    const { canvas, context } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!this.#bitmap) return;
    context.setTransform(ratio * this.scale, 0, 0, ratio * this.scale, ratio * this.#x, ratio * this.#y);
    context.imageSmoothingEnabled = this.scale * ratio < 2;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#bitmap, 0, 0);
    for (const { mask, colour } of this.#scene.kept) this.#drawMask(mask, colour);
    if (this.#scene.mask) this.#drawMask(this.#scene.mask, IN_HAND);
    if (this.#scene.step) this.#drawPrompts(this.#scene.step);
    if (this.#band) this.#drawBox(this.#band);
    if (this.#cross) this.#drawCross(this.#cross);
    canvas.dataset.view = [this.scale, this.#x, this.#y].join(" ");
  }

  #drawMask(mask, colour) {
    const { context } = this;
    const { crop } = mask;
    if (!mask.area) return;
    context.globalAlpha = 0.45;
    context.drawImage(mask.paintedIn(colour), crop.x0, crop.y0);
    context.globalAlpha = 1;
    this.#line(mask.path, `rgb(${colour})`);
  }

  /** Light on dark, so that a line is seen on every picture; as wide at every zoom. */
  #line(path, colour, dashes = []) {
    const { context } = this;
    context.lineJoin = "round";
    context.setLineDash(dashes.map((dash) => dash / this.scale));
    for (const [width, style] of [[3.6, "#fffc"], [1.8, colour]]) {
      context.lineWidth = width / this.scale;
      context.strokeStyle = style;
      context.stroke(path);
    }
    context.setLineDash([]);
  }

  #drawPrompts({ points, box }) {
    if (box) this.#drawBox(box);
    for (const point of points) this.#drawPoint(point);
  }

  #drawBox([x0, y0, x1, y1]) {
    const path = new Path2D();
    path.rect(x0, y0, x1 - x0, y1 - y0);
    this.#line(path, "#111", [7, 5]);
  }

  #drawPoint({ x, y, isForeground }) {
    const { context, scale } = this;
    const arm = (MARK_PX * 0.5) / scale;
    context.beginPath();
    context.arc(x, y, MARK_PX / scale, 0, 2 * Math.PI);
    context.fillStyle = isForeground ? "#15803d" : "#b91c1c";
    context.fill();
    context.strokeStyle = "#fff";
    context.lineWidth = 2 / scale;
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    if (isForeground) { context.moveTo(x, y - arm); context.lineTo(x, y + arm); }
    context.stroke();
  }

  #drawCross([x, y]) {
    const reach = 14 / this.scale;
    const path = new Path2D();
    path.moveTo(x - reach, y);
    path.lineTo(x + reach, y);
    path.moveTo(x, y - reach);
    path.lineTo(x, y + reach);
    this.#line(path, "#111");
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
