// The object in hand, step by step, and the objects kept. No drawing, no requests.

export const COLOURS = [
  [230, 159, 0], [0, 158, 115], [170, 110, 255], [240, 228, 66], [213, 94, 0], [86, 180, 233], [0, 200, 200], [255, 120, 120],
];
export const IN_HAND = [255, 61, 129]; // seldom in a picture

/** What a person has pointed at and got so far. A step is `{points, box, masks, chosen}`; masks are null while asked for. */
export class Annotation {
  steps = [];
  kept = []; // {steps, mask, colour}
  #nKept = 0;

  get last() { return this.steps.at(-1) ?? null; }

  /** The mask in hand: of the last step that has been answered. */
  get mask() {
    const answered = this.steps.findLast((step) => step.masks);
    return answered ? answered.masks[answered.chosen] : null;
  }

  addPoint(x, y, isForeground) {
    const { points = [], box = null } = this.last ?? {};
    return this.#add([...points, { x, y, isForeground }], box);
  }

  /** A new box says anew what is meant, so the mask before it isn't refined. */
  addBox(box) {
    return this.#add(this.last?.points ?? [], box, true);
  }

  #add(points, box, anew = false) {
    const step = { points, box, anew, masks: null, chosen: 0 };
    this.steps.push(step);
    return step;
  }

  /** What to ask the server for `step`; the mask to be refined is the one chosen in the step before. */
  request(step) {
    const before = this.steps[this.steps.indexOf(step) - 1];
    return {
      points: step.points.map(({ x, y }) => [x, y]),
      labels: step.points.map(({ isForeground }) => Number(isForeground)),
      box: step.box,
      previous: step.anew || !before?.masks ? null : before.masks[before.chosen].low_res,
    };
  }

  answer(step, masks, best) { Object.assign(step, { masks, chosen: best }); }

  /** Forget a step that couldn't be answered, and those after it. */
  drop(step) {
    const at = this.steps.indexOf(step);
    if (at >= 0) this.steps.splice(at);
  }

  choose(index) {
    if (this.last?.masks?.[index]) this.last.chosen = index;
  }

  keep() {
    const { mask } = this;
    if (!mask || !mask.area) return null;
    const object = { steps: this.steps, mask, colour: COLOURS[this.#nKept++ % COLOURS.length] };
    this.kept.push(object);
    this.steps = [];
    return object;
  }

  /** One step back; with none in hand, the object kept last is taken in hand again. */
  undo() {
    if (this.steps.length) this.steps.pop();
    else this.steps = this.kept.pop()?.steps ?? [];
  }

  clear() { this.steps = []; }

  remove(object) { this.kept = this.kept.filter((other) => other !== object); }

  /** All that a download holds: what is kept, and the mask in hand. */
  get objects() {
    const inHand = this.mask?.area ? [{ mask: this.mask, colour: COLOURS[this.#nKept % COLOURS.length] }] : [];
    return [...this.kept, ...inHand];
  }
}
