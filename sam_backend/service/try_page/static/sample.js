// The sample: cell nuclei as a fluorescence microscope sees them, drawn here. The embedded model knows such pictures.

const WIDTH = 900;
const HEIGHT = 640;
const N_NUCLEI = 24;
const GAP_PX = 12;
const CORNERS = 28;
// The first three have a place of their own, so that the page's tests know where to click.
const PLACED = [{ x: 300, y: 330, radius: 56 }, { x: 585, y: 210, radius: 50 }, { x: 690, y: 470, radius: 60 }];
const DARK = { x: 60, y: 60, radius: 90 };

/** A PNG; the same each time. */
export async function drawSample() {
  const random = seeded(11);
  const cells = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = cells.getContext("2d");
  context.fillStyle = "#04060f";
  context.fillRect(0, 0, WIDTH, HEIGHT);
  for (const nucleus of scatter(random)) drawNucleus(context, nucleus, random);
  return seenThroughLens(cells, random).convertToBlob({ type: "image/png" });
}

/** Mulberry32: small, and the same everywhere. */
function seeded(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function scatter(random) {
  const nuclei = PLACED.map((place) => ({ ...place, brightness: 0.95 }));
  while (nuclei.length < N_NUCLEI) {
    const radius = 26 + 30 * random();
    const [x, y] = [random() * WIDTH, random() * HEIGHT];
    const isFree = [DARK, ...nuclei].every((other) => (
      Math.hypot(x - other.x, y - other.y) > 1.25 * (radius + other.radius) + GAP_PX
    ));
    if (isFree) nuclei.push({ x, y, radius, brightness: 0.5 + 0.5 * random() });
  }
  return nuclei;
}

/** An ellipse with a gently waved outline, brighter inside, with darker and brighter chromatin. */
function drawNucleus(context, { x, y, radius, brightness }, random) {
  const [turn, wave] = [Math.PI * random(), 2 * Math.PI * random()];
  context.save();
  context.translate(x, y);
  context.rotate(turn);
  context.scale(1 + 0.18 * random(), 1 - 0.1 * random());
  context.globalAlpha = brightness;
  context.beginPath();
  for (let i = 0; i < CORNERS; i++) {
    const angle = (2 * Math.PI * i) / CORNERS;
    const reach = radius * (1 + 0.05 * Math.sin(2 * angle + wave) + 0.035 * Math.sin(3 * angle - wave));
    context.lineTo(reach * Math.cos(angle), reach * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = radial(context, radius, ["#7fbcff", "#5a9cf0", "#2f63c4"]);
  context.fill();
  context.clip();
  for (let i = 0; i < radius; i++) {
    const [distance, angle] = [radius * Math.sqrt(random()), 2 * Math.PI * random()];
    context.fillStyle = random() < 0.5 ? "#ffffff14" : "#04103a1c";
    context.beginPath();
    context.arc(distance * Math.cos(angle), distance * Math.sin(angle), 3 + 6 * random(), 0, 2 * Math.PI);
    context.fill();
  }
  context.restore();
}

function radial(context, radius, colours) {
  const gradient = context.createRadialGradient(0, 0, 0, 0, 0, 1.1 * radius);
  colours.forEach((colour, i) => gradient.addColorStop(i / (colours.length - 1), colour));
  return gradient;
}

/** A little out of focus, with a glow around what is bright and the noise of a camera. */
function seenThroughLens(cells, random) {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext("2d");
  context.filter = "blur(1.2px)";
  context.drawImage(cells, 0, 0);
  context.filter = "blur(22px)";
  context.globalCompositeOperation = "lighter";
  context.globalAlpha = 0.16;
  context.drawImage(cells, 0, 0);
  const image = context.getImageData(0, 0, WIDTH, HEIGHT);
  for (let i = 0; i < image.data.length; i += 4) {
    const noise = (random() + random() - 1) * 8;
    for (let channel = 0; channel < 3; channel++) image.data[i + channel] += noise;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
