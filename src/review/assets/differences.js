// @ts-check
// Where two versions of a clip differ. Pure.

/** @typedef {{text: string, same: boolean}} Piece */

/** Above this many steps the middle is shown as one difference: it takes no noticeable time, whatever was changed. */
const MOST = 4e6;

/**
 * The words of two texts, each with whether it stands in both: the longest run of words that both have in the same order.
 * @param {string[]} mine @param {string[]} theirs @returns {{mine: Piece[], theirs: Piece[]}}
 */
export function wordDifferences(mine, theirs) {
  let head = 0;
  while (head < mine.length && head < theirs.length && mine[head] === theirs[head]) head++;
  let tail = 0;
  const most = Math.min(mine.length, theirs.length) - head;
  while (tail < most && mine[mine.length - 1 - tail] === theirs[theirs.length - 1 - tail]) tail++;
  const [a, b] = [mine.slice(head, mine.length - tail), theirs.slice(head, theirs.length - tail)];
  const [inMine, inTheirs] = a.length * b.length <= MOST ? common(a, b) : [a.map(() => false), b.map(() => false)];
  const all = (/** @type {string[]} */ words, /** @type {boolean[]} */ middle) =>
    words.map((text, i) => ({ text, same: i < head || i >= words.length - tail || middle[i - head] }));
  return { mine: all(mine, inMine), theirs: all(theirs, inTheirs) };
}

/** @param {string[]} a @param {string[]} b @returns {[boolean[], boolean[]]} */
function common(a, b) {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      longest[at] = a[i] === b[j] ? longest[at + width + 1] + 1 : Math.max(longest[at + width], longest[at + 1]);
    }
  }
  const [inA, inB] = [a.map(() => false), b.map(() => false)];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) inA[i++] = inB[j++] = true;
    else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i++;
    else j++;
  }
  return [inA, inB];
}

/** What each choice is called. */
const NAMES = { question: "Question", hook: "Words at the start", start: "Begins at", end: "Ends at", anchor: "Middle of the picture", cover: "Cover at" };

/**
 * What was chosen differently: its name, and both values as they are read.
 * @param {import("./choices.js").Choices} mine @param {import("./choices.js").Choices} theirs
 * @returns {{name: string, mine: string, theirs: string}[]}
 */
export function choiceDifferences(mine, theirs) {
  const shown = (/** @type {any} */ value) => (Array.isArray(value) ? value.map((n) => `${Math.round(n * 100)} %`).join(", ") : String(value ?? "chosen by Housecall"));
  const found = [];
  for (const [key, name] of Object.entries(NAMES)) {
    const [a, b] = [shown(/** @type {any} */ (mine)[key]), shown(/** @type {any} */ (theirs)[key])];
    if (a !== b) found.push({ name, mine: a, theirs: b });
  }
  const platforms = new Set([...Object.keys(mine.posts ?? {}), ...Object.keys(theirs.posts ?? {})]);
  for (const platform of [...platforms].sort()) {
    for (const key of /** @type {const} */ (["title", "text"])) {
      const [a, b] = [shown(mine.posts?.[platform]?.[key]), shown(theirs.posts?.[platform]?.[key])];
      if (a !== b) found.push({ name: `${key === "title" ? "Title" : "Text"} for ${platform}`, mine: a, theirs: b });
    }
  }
  return found;
}
