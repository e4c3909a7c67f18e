// Mouse, touch and keys on the canvas, turned into points, boxes, zooming and moving.

const DRAG_PX = 5; // of the screen; less is a click with a trembling hand
const TOUCH_DRAG_PX = 12;

/** `on` has `point([x, y], isForeground)` and `box([x0, y0, x1, y1])`, both in image px. */
export class Pointing {
  tool = "object";
  #isSpaceHeld = false;
  #pointers = new Map(); // pointer id -> [x, y] on the screen
  #gesture = null; // {kind: "press" | "pan" | "pinch", ...}

  constructor(view, stage, on) {
    Object.assign(this, { view, stage, on });
    const { canvas } = view;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#cancel(event));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("keydown", (event) => this.#space(event, true));
    addEventListener("keyup", (event) => this.#space(event, false));
    addEventListener("blur", () => { this.#isSpaceHeld = false; this.showTool(); });
  }

  showTool() { this.stage.classList.toggle("panning", this.#isSpaceHeld || this.tool === "pan"); }

  #down(event) {
    if (!this.view.size) return;
    event.preventDefault(); // no text selection, no autoscroll with the middle button
    this.view.canvas.focus({ preventScroll: true });
    this.view.canvas.setPointerCapture(event.pointerId);
    this.view.setCross(null);
    const at = this.#at(event);
    this.#pointers.set(event.pointerId, at);
    if (this.#pointers.size === 2) {
      this.view.setBand(null);
      this.#gesture = { kind: "pinch", ...this.#pinch() };
    } else if (this.#pointers.size === 1) {
      const isPan = event.button === 1 || this.#isSpaceHeld || this.tool === "pan";
      const isForeground = !(event.altKey || event.button === 2 || this.tool === "background");
      const slack = event.pointerType === "touch" ? TOUCH_DRAG_PX : DRAG_PX;
      this.#gesture = { kind: isPan ? "pan" : "press", from: at, isForeground, slack, isBox: false };
    }
  }

  #move(event) {
    if (!this.#pointers.has(event.pointerId)) return;
    const before = this.#pointers.get(event.pointerId);
    const at = this.#at(event);
    this.#pointers.set(event.pointerId, at);
    const gesture = this.#gesture;
    if (gesture?.kind === "pan") this.view.pan(at[0] - before[0], at[1] - before[1]);
    if (gesture?.kind === "pinch" && this.#pointers.size === 2) this.#movePinch(gesture);
    if (gesture?.kind === "press") {
      gesture.isBox ||= Math.hypot(at[0] - gesture.from[0], at[1] - gesture.from[1]) > gesture.slack;
      if (gesture.isBox) this.view.setBand(this.#box(gesture.from, at));
    }
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    const gesture = this.#gesture;
    if (this.#pointers.size === 0) this.#gesture = null;
    if (gesture?.kind !== "press") return;
    this.#gesture = null;
    this.view.setBand(null);
    if (gesture.isBox) this.#finishBox(this.#box(gesture.from, this.#at(event)));
    else if (this.tool !== "box") this.#point(this.view.screenToImage(gesture.from), gesture.isForeground);
  }

  #cancel(event) {
    this.#pointers.delete(event.pointerId);
    this.#gesture = null;
    this.view.setBand(null);
  }

  #point(at, isForeground) {
    if (this.view.holds(at)) this.on.point(at, isForeground);
  }

  #finishBox(box) {
    const [x0, y0, x1, y1] = box;
    if (x1 - x0 >= 1 && y1 - y0 >= 1) this.on.box(box);
  }

  #box(from, to) {
    const [x0, y0] = this.view.clip(this.view.screenToImage(from));
    const [x1, y1] = this.view.clip(this.view.screenToImage(to));
    return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
  }

  #pinch() {
    const [[ax, ay], [bx, by]] = [...this.#pointers.values()];
    return { middle: [(ax + bx) / 2, (ay + by) / 2], distance: Math.max(1, Math.hypot(ax - bx, ay - by)) };
  }

  #movePinch(gesture) {
    const now = this.#pinch();
    this.view.pan(now.middle[0] - gesture.middle[0], now.middle[1] - gesture.middle[1]);
    this.view.zoom(now.distance / gesture.distance, now.middle);
    Object.assign(gesture, now);
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.view.zoom(Math.exp(-0.0016 * lines * event.deltaY * (event.ctrlKey ? 6 : 1)), this.#at(event));
  }

  #key(event) {
    const { size } = this.view;
    if (!size || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (arrow) this.#moveCross(arrow, (event.shiftKey ? 40 : 8) / this.view.scale);
    else if (/^[pn]$/i.test(event.key)) this.#point(this.#cross(), event.key.toLowerCase() === "p");
    else return;
    event.preventDefault();
  }

  #cross() {
    const { width, height } = this.view.size;
    return this.view.cross ?? [width / 2, height / 2];
  }

  #moveCross([dx, dy], step) {
    const { width, height } = this.view.size;
    const [x, y] = this.#cross();
    const clip = (value, side) => Math.min(side - 0.5, Math.max(0.5, value));
    this.view.setCross([clip(x + dx * step, width), clip(y + dy * step, height)]);
  }

  #space(event, isHeld) {
    if (event.code !== "Space" || event.target.closest?.("button, summary, input")) return;
    if (isHeld) event.preventDefault(); // no scrolling
    this.#isSpaceHeld = isHeld;
    this.showTool();
  }

  #at(event) {
    const { left, top } = this.view.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }
}
