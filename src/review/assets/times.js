// @ts-check
// Seconds of the clip, seconds of the cut, and how they are written. Pure.

/** @typedef {[number, number]} Part start and end, seconds of the clip */

/**
 * How long the kept parts are together.
 * @param {Part[]} kept
 */
export function keptLength(kept) {
  return kept.reduce((sum, [start, end]) => sum + (end - start), 0);
}

/**
 * The second of the cut at which a second of the clip is shown; null where it is left out.
 * @param {Part[]} kept @param {number} clip @returns {number | null}
 */
export function clipToCut(kept, clip) {
  let before = 0;
  for (const [start, end] of kept) {
    if (clip >= start && clip <= end) return before + clip - start;
    before += end - start;
  }
  return null;
}

/**
 * The second of the clip that is shown at a second of the cut, and the part it lies in; beyond the last part, its end.
 * @param {Part[]} kept @param {number} cut @returns {{clip: number, part: number}}
 */
export function cutToClip(kept, cut) {
  let left = Math.max(0, cut);
  for (let part = 0; part < kept.length; part++) {
    const [start, end] = kept[part];
    const isLast = part === kept.length - 1;
    if (left < end - start || isLast) return { clip: Math.min(start + left, end), part };
    left -= end - start;
  }
  return { clip: 0, part: 0 };
}

/**
 * The part that a second of the clip lies in, or else the next one after it; null behind the last.
 * @param {Part[]} kept @param {number} clip @returns {number | null}
 */
export function partAt(kept, clip) {
  const part = kept.findIndex(([, end]) => clip < end);
  return part < 0 ? null : part;
}

/**
 * `0:07`, `1:02:03`; with tenths `0:07.3`.
 * @param {number} seconds @param {boolean} [tenths]
 */
export function clock(seconds, tenths = false) {
  const units = Math.max(0, tenths ? Math.floor(seconds * 10 + 1e-6) : Math.floor(seconds + 1e-6));
  const whole = tenths ? Math.floor(units / 10) : units;
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = hours ? `${hours}:${two(Math.floor(whole / 60) % 60)}` : String(Math.floor(whole / 60));
  return `${rest}:${two(whole % 60)}${tenths ? `.${units % 10}` : ""}`;
}

/**
 * A clock for people who listen: `7.3 seconds`, `1 minute 2 seconds`.
 * @param {number} seconds
 */
export function spokenClock(seconds) {
  const rounded = Math.round(seconds * 10) / 10;
  if (rounded < 60) return `${rounded} seconds`;
  const minutes = Math.floor(rounded / 60);
  return `${minutes} minute${minutes === 1 ? "" : "s"} ${Math.floor(rounded % 60)} seconds`;
}
