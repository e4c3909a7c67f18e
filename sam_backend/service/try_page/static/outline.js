// The outline of a mask along its pixels' edges. Pixels that touch by a corner only belong to two pieces.

// Headings: 0 east, 1 north, 2 west, 3 south (y runs down). The object always lies to the left.
const STEP = [[1, 0], [0, -1], [-1, 0], [0, 1]];
// From a corner (x, y), the pixel ahead to the left and the one ahead to the right.
const LEFT_AHEAD = [[0, -1], [-1, -1], [-1, 0], [0, 0]];
const RIGHT_AHEAD = [[0, 0], [0, -1], [-1, -1], [-1, 0]];

/** Pieces of a `MaskCrop`, largest first: `{exterior, holes}`, rings of [x, y] in image px, not closed. */
export function traceOutline(crop) {
  const rings = [];
  const ringAtEdge = new Int32Array((crop.width + 1) * crop.height); // ring number + 1 of each upright edge
  for (let y = 0; y < crop.height; y++) {
    let nearest = 0; // ring of the upright edge last passed in this row
    for (let x = 0; x <= crop.width; x++) {
      const isObject = crop.at(x, y);
      if (isObject === crop.at(x - 1, y)) continue;
      const edge = y * (crop.width + 1) + x;
      if (!ringAtEdge[edge]) {
        const corners = followRing(crop, x, y, isObject ? 3 : 1, ringAtEdge, rings.length + 1);
        // The first edge seen of a hole is its left one; the edge before it is of the piece around it, or of
        // another hole in that piece.
        const piece = isObject ? rings.length : rings[nearest - 1].piece;
        rings.push({ corners, piece, isHole: !isObject });
      }
      nearest = ringAtEdge[edge];
    }
  }
  return assemble(rings, crop);
}

function followRing(crop, x, y, heading, ringAtEdge, number) {
  const corners = [];
  let cx = x;
  let cy = heading === 3 ? y : y + 1;
  const [startX, startY, startHeading] = [cx, cy, heading];
  do {
    if (heading & 1) ringAtEdge[(heading === 3 ? cy : cy - 1) * (crop.width + 1) + cx] = number;
    cx += STEP[heading][0];
    cy += STEP[heading][1];
    const before = heading;
    if (!crop.at(cx + LEFT_AHEAD[heading][0], cy + LEFT_AHEAD[heading][1])) heading = (heading + 1) & 3;
    else if (crop.at(cx + RIGHT_AHEAD[heading][0], cy + RIGHT_AHEAD[heading][1])) heading = (heading + 3) & 3;
    if (heading !== before) corners.push([cx, cy]);
  } while (cx !== startX || cy !== startY || heading !== startHeading);
  return corners;
}

function assemble(rings, { x0, y0 }) {
  const pieces = new Map();
  for (const [number, ring] of rings.entries()) {
    const placed = ring.corners.map(([x, y]) => [x + x0, y + y0]);
    if (ring.isHole) pieces.get(ring.piece).holes.push(placed);
    else pieces.set(number, { exterior: placed, holes: [] });
  }
  const area = ({ exterior, holes }) => [exterior, ...holes].reduce((sum, ring) => sum - signedArea(ring), 0);
  return [...pieces.values()].sort((one, other) => area(other) - area(one));
}

/** Positive where the ring runs counter-clockwise with y up (RFC 7946's view of an exterior). */
export function signedArea(ring) {
  let twice = 0;
  for (let i = 0; i < ring.length; i++) {
    const [x, y] = ring[i];
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    twice += x * nextY - nextX * y;
  }
  return twice / 2;
}

/** For drawing: all rings in one path, in image px. */
export function outlinePath(pieces) {
  const path = new Path2D();
  for (const { exterior, holes } of pieces) {
    for (const ring of [exterior, ...holes]) {
      ring.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
      path.closePath();
    }
  }
  return path;
}
