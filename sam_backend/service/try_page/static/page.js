// Puts the parts together: what a person does goes into the annotation, what the server answers comes out of it.

import { Annotation } from "./annotation.js";
import { save, toGeoJson, toJson, toPng } from "./downloads.js";
import { Mask } from "./mask.js";
import { areaText, scoreText, showMasks, showObjects } from "./panel.js";
import { Pointing } from "./pointing.js";
import { drawSample } from "./sample.js";
import { fetchAbout, SentPicture } from "./server.js";
import { View } from "./view.js";

const find = (id) => document.getElementById(id);
const stage = find("stage");
const view = new View(find("canvas"));
const pointing = new Pointing(view, stage, { point: addPoint, box: addBox });

let annotation = new Annotation();
let picture = null; // {sent, bitmap, name, width, height}
let limits = null;
let nWaiting = 0;
let queue = Promise.resolve(); // a click may refine the answer to the one before it, so they go one by one

// ---- pictures

async function openPicture(blob, name) {
  hideError();
  let bitmap;
  try {
    await checkFile(blob, name);
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" }).catch(() => {
      throw new Error(`This browser can't show ${name}: give a PNG, JPEG, WebP, GIF or BMP.`);
    });
    checkPixels(bitmap, name);
  } catch (error) {
    bitmap?.close();
    showError(error);
    return;
  }
  annotation = new Annotation();
  const sent = new SentPicture(blob, (text) => { if (picture?.sent === sent) showBusy(text); });
  picture = { sent, bitmap, name, width: bitmap.width, height: bitmap.height };
  view.show(bitmap);
  stage.classList.add("ready");
  for (const [id, isHidden] of [["welcome", true], ["tools", false], ["zoom", false]]) find(id).hidden = isHidden;
  showAll();
  find("canvas").focus({ preventScroll: true });
  say(`${name}, ${picture.width} × ${picture.height}: encoding; you can point already.`);
  await confirmEncoded(picture);
}

async function confirmEncoded(mine) {
  try {
    const { width, height } = await mine.sent.send();
    if (width !== mine.width || height !== mine.height) {
      throw new Error(
        `The server sees ${width} × ${height} pixels where this browser sees ${mine.width} × ${mine.height}: save it as PNG.`,
      );
    }
    if (mine === picture && !annotation.steps.length) say("Ready: click on something, or drag a box around it.");
  } catch (error) {
    if (mine === picture) closePicture(error);
  }
}

function closePicture(error) {
  picture = null;
  annotation = new Annotation();
  stage.classList.remove("ready");
  view.clear();
  for (const [id, isHidden] of [["welcome", false], ["tools", true], ["zoom", true]]) find(id).hidden = isHidden;
  showAll();
  showBusy("");
  say("Open a picture to begin.");
  showError(error);
}

async function checkFile({ type, size }, name) {
  limits ??= (await readAbout()).limits;
  if (/tiff?$/i.test(type) || /\.tiff?$/i.test(name)) {
    throw new Error(`Browsers can't show ${name}: give a PNG or JPEG here, and use “segment -o .geojson” for a GeoTIFF.`);
  }
  if (!type.startsWith("image/")) throw new Error(`${name} is no picture: give a PNG, JPEG, WebP, GIF or BMP.`);
  if (size > limits.max_bytes) {
    throw new Error(`${name} has ${mega(size)} MB, and ${mega(limits.max_bytes)} are allowed: make it smaller.`);
  }
}

function checkPixels({ width, height }, name) {
  if (width * height <= limits.max_pixels) return;
  throw new Error(
    `${name} has ${mega(width * height)} megapixels (${width} × ${height}), and ${mega(limits.max_pixels)} are allowed: make it smaller.`,
  );
}

const mega = (n) => (n / 1e6).toFixed(n % 1e6 ? 1 : 0);

async function readAbout() {
  const about = await fetchAbout();
  find("model").textContent = `model: ${about.model.name}${about.model.device ? `, ${about.model.device}` : ""}`;
  return about;
}

async function openSample() {
  await openPicture(await drawSample(), "nuclei.png");
}

function openFirst(files) {
  const [file] = files;
  if (file) openPicture(file, file.name);
}

// ---- pointing

function addPoint([x, y], isForeground) {
  if (annotation.last?.points.length >= limits.max_points) {
    showError(new Error(`An object may have ${limits.max_points} points: keep it and begin the next.`));
    return;
  }
  ask(annotation.addPoint(round(x), round(y), isForeground));
}

function addBox(box) {
  ask(annotation.addBox(box.map(round)));
}

const round = (px) => Math.round(100 * px) / 100;

function ask(step) {
  hideError();
  showAll();
  const [mine, of] = [annotation, picture];
  queue = queue.then(() => answer(step, mine, of));
}

async function answer(step, mine, of) {
  const isWanted = () => mine === annotation && mine.steps.includes(step);
  if (!isWanted()) return; // undone or cleared meanwhile
  const startedMs = performance.now();
  showWaiting(1);
  try {
    const { masks, best } = await of.sent.masks(mine.request(step));
    if (!isWanted()) return;
    mine.answer(step, masks.map((mask) => new Mask(mask)), best);
    showAll();
    sayMask(`in ${Math.round(performance.now() - startedMs)} ms`);
  } catch (error) {
    if (!isWanted()) return;
    mine.drop(step);
    showAll();
    showError(error);
  } finally {
    showWaiting(-1);
  }
}

function sayMask(more = "") {
  const { mask, last } = annotation;
  if (!mask) return;
  const area = mask.area ? `${areaText(mask.area)}, score ${scoreText(mask.predicted_iou)}` : "nothing found there";
  say(`Mask ${last.chosen + 1} of ${last.masks?.length ?? "…"}: ${area} ${more}`);
}

function choose(index, isByKey = false) {
  annotation.choose(index);
  showAll();
  sayMask();
  if (isByKey) find("masks").children[index]?.focus();
}

/** `nth` of the three readings; the refined mask, where there is one, lies before them. */
function chooseReading(nth) {
  const masks = annotation.last?.masks ?? [];
  const readings = [...masks.keys()].filter((index) => masks[index].kind === "reading");
  if (nth < readings.length) choose(readings[nth]);
}

function chooseRefined() {
  if (annotation.last?.masks?.[0].kind === "refined") choose(0);
}

function keep() {
  if (annotation.last && !annotation.last.masks) return; // not answered yet: what would be kept isn't seen
  const kept = annotation.keep();
  if (kept) changed(`Kept object ${annotation.kept.length} (${areaText(kept.mask.area)}). Point at the next.`);
}

function undo() {
  annotation.undo();
  changed(annotation.steps.length ? "One step back." : "Nothing in hand.");
}

function clear() {
  hideError();
  annotation.clear();
  view.setCross(null);
  changed("Cleared.");
}

function remove(object) {
  annotation.remove(object);
  changed("Removed.");
}

function changed(text) {
  showAll();
  say(text);
}

// ---- what is seen

function showAll() {
  const { kept, mask, last, steps } = annotation;
  view.setScene({ kept, mask, step: last });
  const answered = steps.findLast((step) => step.masks) ?? null;
  showMasks(find("masks"), picture?.bitmap, answered, choose);
  showObjects(find("objects"), kept, remove);
  find("no-masks").hidden = Boolean(answered);
  find("no-objects").hidden = kept.length > 0;
  find("keep").disabled = !mask?.area || !last?.masks;
  find("undo").disabled = !steps.length && !kept.length;
  find("clear").disabled = !steps.length;
  for (const ending of ["png", "json", "geojson"]) find(`save-${ending}`).disabled = !annotation.objects.length;
}

function showBusy(text) {
  find("busy-text").textContent = text;
  find("busy").hidden = !text;
}

function showWaiting(change) {
  nWaiting += change;
  stage.ariaBusy = String(nWaiting > 0);
}

function say(text) { find("status").textContent = text; }

function showError(error) {
  find("error-text").textContent = error.message;
  find("error").hidden = false;
}

function hideError() { find("error").hidden = true; }

async function download(ending) {
  const { objects } = annotation;
  if (!objects.length) return;
  try {
    const makers = { png: () => toPng(picture, objects), json: () => toJson(picture, objects), geojson: () => toGeoJson(objects) };
    save(await makers[ending](), picture.name, ending);
  } catch (error) {
    showError(error);
  }
}

function takeTool(tool) {
  pointing.tool = tool;
  pointing.showTool();
  for (const button of find("tools").children) button.ariaPressed = String(button.dataset.tool === tool);
}

// ---- wiring

const onClick = {
  open: () => find("file").click(),
  "welcome-open": () => find("file").click(),
  sample: openSample,
  "welcome-sample": openSample,
  keep, undo, clear,
  "zoom-in": () => view.zoomStep(2),
  "zoom-out": () => view.zoomStep(-2),
  "zoom-fit": () => view.fit(),
  "error-close": hideError,
  "save-png": () => download("png"),
  "save-json": () => download("json"),
  "save-geojson": () => download("geojson"),
};
for (const [id, act] of Object.entries(onClick)) find(id).addEventListener("click", () => act());
for (const button of find("tools").children) button.addEventListener("click", () => takeTool(button.dataset.tool));
find("file").addEventListener("change", ({ target }) => { openFirst(target.files); target.value = ""; });

const onKey = {
  z: undo, Escape: clear, Enter: keep,
  1: () => chooseReading(0), 2: () => chooseReading(1), 3: () => chooseReading(2), r: chooseRefined,
  "+": () => view.zoomStep(1), "=": () => view.zoomStep(1), "-": () => view.zoomStep(-1), 0: () => view.fit(),
};
addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z";
  if (!picture || event.altKey || ((event.ctrlKey || event.metaKey) && !isUndo)) return;
  if (event.key === "Enter" && event.target.closest?.("button, summary, a, input")) return; // it presses that
  const act = onKey[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

let nDragged = 0; // enter and leave come for every element below the pointer
addEventListener("dragenter", (event) => { event.preventDefault(); nDragged++; stage.classList.add("dropping"); });
addEventListener("dragleave", () => { if (--nDragged <= 0) { nDragged = 0; stage.classList.remove("dropping"); } });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  nDragged = 0;
  stage.classList.remove("dropping");
  openFirst(event.dataTransfer.files);
});
addEventListener("paste", (event) => openFirst(event.clipboardData.files));

readAbout().then((about) => { limits = about.limits; }).catch(showError);
