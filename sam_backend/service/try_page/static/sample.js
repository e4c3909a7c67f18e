// The sample: a breakfast seen from above, drawn here. Yolk, egg and plate lie in each other, which is what the
// three masks of one click are for.

const WIDTH = 1200;
const HEIGHT = 800;

/** A PNG; the same each time. */
export async function drawSample() {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext("2d");
  const random = seeded(11);
  table(context, random);
  plate(context, 430, 420, 285);
  egg(context, 350, 400, random);
  tomato(context, 560, 300, 62);
  tomato(context, 585, 440, 54);
  leaf(context, 470, 570, 0.5, 92);
  leaf(context, 545, 560, -0.35, 78);
  cup(context, 905, 270);
  bread(context, 930, 610);
  for (const [x, y] of [[735, 655], [775, 700], [712, 712], [748, 752]]) berry(context, x, y, 22);
  grain(context, random);
  return canvas.convertToBlob({ type: "image/png" });
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

function table(context, random) {
  context.fillStyle = "#7d5a3c";
  context.fillRect(0, 0, WIDTH, HEIGHT);
  for (let board = 0; board < 5; board++) {
    const y = board * 160;
    const light = random() * 14 - 7;
    context.fillStyle = `rgb(${128 + light} ${92 + light} ${62 + light})`;
    context.fillRect(0, y + 2, WIDTH, 157);
    for (let i = 0; i < 22; i++) {
      const grainY = y + random() * 158;
      context.strokeStyle = `rgb(70 42 22 / ${0.05 + 0.12 * random()})`;
      context.lineWidth = 1 + 2 * random();
      context.beginPath();
      context.moveTo(0, grainY);
      context.bezierCurveTo(400, grainY + random() * 14 - 7, 800, grainY + random() * 14 - 7, WIDTH, grainY);
      context.stroke();
    }
  }
}

function withShadow(context, blur, offset, draw) {
  context.save();
  Object.assign(context, { shadowColor: "#0009", shadowBlur: blur, shadowOffsetX: offset, shadowOffsetY: offset });
  draw();
  context.restore();
}

function disc(context, x, y, radius, fill) {
  context.fillStyle = fill;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function shaded(context, x, y, radius, stops) {
  const gradient = context.createRadialGradient(x - radius * 0.35, y - radius * 0.35, radius * 0.05, x, y, radius);
  for (const [at, colour] of stops) gradient.addColorStop(at, colour);
  return gradient;
}

function plate(context, x, y, radius) {
  withShadow(context, 30, 9, () => disc(context, x, y, radius, "#9fc0cf"));
  disc(context, x, y, radius - 6, "#b9d5e0");
  disc(context, x, y, radius * 0.74, "#8fb3c4");
  disc(context, x, y, radius * 0.72, shaded(context, x, y, radius * 0.72, [[0, "#b4d0dc"], [1, "#a2c3d1"]]));
}

function egg(context, x, y, random) {
  const n = 11;
  const radii = Array.from({ length: n }, () => 112 + 34 * random());
  const at = (i) => {
    const angle = (2 * Math.PI * i) / n;
    return [x + radii[i % n] * Math.cos(angle), y + radii[i % n] * Math.sin(angle)];
  };
  withShadow(context, 8, 3, () => {
    context.fillStyle = "#fdfbf4";
    context.beginPath();
    for (let i = 0; i < n; i++) { // through the middles of the corners: a soft blob
      const [ax, ay] = at(i);
      const [bx, by] = at(i + 1);
      if (i === 0) context.moveTo((ax + bx) / 2, (ay + by) / 2);
      const [cx, cy] = at(i + 2);
      context.quadraticCurveTo(bx, by, (bx + cx) / 2, (by + cy) / 2);
    }
    context.fill();
  });
  withShadow(context, 6, 2, () => {
    disc(context, x + 6, y - 4, 50, shaded(context, x, y, 52, [[0, "#ffd75e"], [0.7, "#f7a91e"], [1, "#e08a0a"]]));
  });
  disc(context, x - 12, y - 24, 8, "#fff8");
}

function tomato(context, x, y, radius) {
  withShadow(context, 14, 5, () => {
    disc(context, x, y, radius, shaded(context, x, y, radius, [[0, "#ff7a5c"], [0.5, "#e02f1f"], [1, "#9d150c"]]));
  });
  context.fillStyle = "#3f7d2a";
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const reach = i % 2 ? radius * 0.12 : radius * 0.42;
    context.lineTo(x + reach * Math.cos((i * Math.PI) / 5), y + reach * Math.sin((i * Math.PI) / 5));
  }
  context.fill();
  disc(context, x - radius * 0.42, y - radius * 0.42, radius * 0.11, "#fff9");
}

function leaf(context, x, y, angle, length) {
  context.save();
  context.translate(x, y);
  context.rotate(angle);
  withShadow(context, 7, 3, () => {
    context.fillStyle = "#4f9a34";
    context.beginPath();
    context.moveTo(-length, 0);
    context.quadraticCurveTo(0, -length * 0.62, length, 0);
    context.quadraticCurveTo(0, length * 0.62, -length, 0);
    context.fill();
  });
  context.strokeStyle = "#a6d488";
  context.lineWidth = 2.5;
  context.beginPath();
  context.moveTo(-length * 0.9, 0);
  context.lineTo(length * 0.9, 0);
  context.stroke();
  context.restore();
}

function cup(context, x, y) {
  withShadow(context, 22, 7, () => disc(context, x, y, 172, "#e9e4da"));
  disc(context, x, y, 120, "#d9d2c4");
  withShadow(context, 12, 5, () => {
    context.strokeStyle = "#23527c";
    context.lineWidth = 22;
    context.beginPath();
    context.ellipse(x + 108, y + 40, 44, 30, 0.35, 0, 2 * Math.PI);
    context.stroke();
    disc(context, x, y, 106, "#23527c");
  });
  disc(context, x, y, 94, "#19405f");
  disc(context, x, y, 88, shaded(context, x, y, 88, [[0, "#7a4a26"], [0.75, "#4b2810"], [1, "#351a08"]]));
  context.strokeStyle = "#b98a5a";
  context.lineWidth = 5;
  context.beginPath();
  context.arc(x - 12, y + 4, 34, 0.4, 4.4);
  context.stroke();
}

function bread(context, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-0.14);
  withShadow(context, 16, 6, () => {
    context.fillStyle = "#a4602a";
    context.beginPath();
    context.roundRect(-145, -92, 290, 186, [74, 74, 26, 26]);
    context.fill();
  });
  context.fillStyle = "#f0d3a0";
  context.beginPath();
  context.roundRect(-132, -79, 264, 160, [62, 62, 18, 18]);
  context.fill();
  context.fillStyle = "#fff1a8";
  context.beginPath();
  context.roundRect(-58, -40, 92, 78, 9);
  context.fill();
  context.restore();
}

function berry(context, x, y, radius) {
  withShadow(context, 8, 3, () => {
    disc(context, x, y, radius, shaded(context, x, y, radius, [[0, "#8fa0e6"], [0.5, "#47559f"], [1, "#232a5c"]]));
  });
  disc(context, x + 3, y + 2, radius * 0.3, "#1d2350");
}

/** What a camera's sensor adds. */
function grain(context, random) {
  const image = context.getImageData(0, 0, WIDTH, HEIGHT);
  for (let i = 0; i < image.data.length; i += 4) {
    const noise = (random() + random() - 1) * 9;
    for (let channel = 0; channel < 3; channel++) image.data[i + channel] += noise;
  }
  context.putImageData(image, 0, 0);
}
