// @ts-check
// Where the clip's picture lies on a canvas. Pure; pixels of the canvas.

/** @typedef {{x: number, y: number, width: number, height: number}} Area */
/** @typedef {{kind: "fill", crop: Area} | {kind: "follow", size: [number, number], path: [number, number, number][]} | {kind: "fit", picture: Area}} Placement */

/**
 * Left and top edge of the part that moves, at a second of the cut: evenly between two points of its path.
 * @param {[number, number, number][]} path @param {number} at @returns {[number, number]}
 */
export function along(path, at) {
  if (path.length === 0) return [0, 0];
  let [low, high] = [0, path.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (path[middle][0] <= at) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return [path[0][1], path[0][2]];
  const [from, to] = [path[low - 1], path[low]];
  if (!to) return [from[1], from[2]];
  const share = (at - from[0]) / (to[0] - from[0] || 1);
  return [from[1] + (to[1] - from[1]) * share, from[2] + (to[2] - from[2]) * share];
}

/**
 * The part of the displayed picture that is shown at a second of the cut; null where it is the whole.
 * @param {Placement} placement @param {number} at @returns {Area | null}
 */
export function shownPart(placement, at) {
  if (placement.kind === "fit") return null;
  if (placement.kind === "fill") return placement.crop;
  const [x, y] = along(placement.path, at);
  return { x, y, width: placement.size[0], height: placement.size[1] };
}

/**
 * Where the whole picture lies on the canvas, such that what should be seen of it is seen.
 * @param {Placement} placement @param {[number, number]} displayed @param {[number, number]} canvas @param {number} at @returns {Area}
 */
export function pictureArea(placement, displayed, canvas, at) {
  const part = shownPart(placement, at);
  if (placement.kind === "fit" || !part) return placement.kind === "fit" ? placement.picture : { x: 0, y: 0, width: canvas[0], height: canvas[1] };
  const [across, down] = [canvas[0] / part.width, canvas[1] / part.height];
  return { x: -part.x * across, y: -part.y * down, width: displayed[0] * across, height: displayed[1] * down };
}

/**
 * A part of the same size around another middle, as far as the picture reaches.
 * @param {Area} part @param {[number, number]} anchor shares of the picture @param {[number, number]} displayed @returns {Area}
 */
export function around(part, anchor, displayed) {
  const clamp = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(Math.max(value, 0), Math.max(0, most));
  const x = clamp(anchor[0] * displayed[0] - part.width / 2, displayed[0] - part.width);
  const y = clamp(anchor[1] * displayed[1] - part.height / 2, displayed[1] - part.height);
  return { ...part, x, y };
}
