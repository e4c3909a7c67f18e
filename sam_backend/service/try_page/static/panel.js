// The lists beside the picture.

import { IN_HAND } from "./annotation.js";

const THUMBNAIL_PX = 132;
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const areaText = (px) => `${number.format(px)} px`;
export const scoreText = (score) => `${Math.round(100 * Math.min(1, Math.max(0, score)))} %`;

/** One button a mask, as radio buttons are. */
export function showMasks(list, bitmap, step, choose) {
  const masks = step?.masks ?? [];
  const readings = masks.filter(({ kind }) => kind === "reading");
  list.replaceChildren(...masks.map((mask, index) => {
    const isChosen = index === step.chosen;
    const name = mask.kind === "refined" ? "refined" : `mask ${readings.indexOf(mask) + 1}`;
    const button = element("button", { type: "button", role: "radio", title: `${areaText(mask.area)}` });
    button.ariaChecked = String(isChosen);
    button.tabIndex = isChosen ? 0 : -1;
    button.ariaLabel = `${name}: score ${scoreText(mask.predicted_iou)}, ${areaText(mask.area)}`;
    button.append(
      thumbnail(bitmap, mask),
      element("span", { className: "name", textContent: name }),
      element("span", { className: "score", textContent: scoreText(mask.predicted_iou) }),
    );
    button.onclick = () => choose(index);
    button.onkeydown = ({ key }) => {
      const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
      if (turn) choose((index + turn + masks.length) % masks.length, true);
    };
    return button;
  }));
}

/** The part of the picture around the mask, with the mask on it. */
function thumbnail(bitmap, mask) {
  const canvas = element("canvas", { width: THUMBNAIL_PX, height: THUMBNAIL_PX });
  canvas.ariaHidden = "true";
  if (!mask.area) return canvas;
  const [x0, y0, width, height] = mask.bbox;
  const scale = (0.8 * THUMBNAIL_PX) / Math.max(width, height);
  const context = canvas.getContext("2d");
  context.translate(THUMBNAIL_PX / 2, THUMBNAIL_PX / 2);
  context.scale(scale, scale);
  context.translate(-x0 - width / 2, -y0 - height / 2);
  context.drawImage(bitmap, 0, 0);
  context.fillStyle = "#0009";
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.save();
  context.clip(mask.path, "evenodd");
  context.drawImage(bitmap, 0, 0);
  context.restore();
  context.lineWidth = 3 / scale;
  context.strokeStyle = `rgb(${IN_HAND})`;
  context.stroke(mask.path);
  return canvas;
}

/** One line a kept object. */
export function showObjects(list, kept, remove) {
  list.replaceChildren(...kept.map((object, index) => {
    const { mask, colour } = object;
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = `rgb(${colour})`;
    const button = element("button", { type: "button", textContent: "×", title: "Remove" });
    button.ariaLabel = `Remove object ${index + 1}`;
    button.onclick = () => remove(object);
    const line = element("li", {});
    line.append(
      swatch,
      element("span", { textContent: `Object ${index + 1}` }),
      element("span", { className: "area", textContent: areaText(mask.area) }),
      element("span", { className: "score", textContent: scoreText(mask.predicted_iou) }),
      button,
    );
    return line;
  }));
}

function element(tag, properties) {
  const made = document.createElement(tag);
  const { role, ...rest } = properties;
  if (role) made.setAttribute("role", role);
  return Object.assign(made, rest);
}
