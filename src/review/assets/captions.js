// @ts-check
// What a person does to captions: pure functions from captions to captions. Nothing is changed in place, and a caption that
// stays as it was stays the same object, so that whoever draws them sees at once which rows to touch.

/** @typedef {{text: string, start: number, end: number, marks: string[], findings: number[]}} Word */
/** @typedef {{key: number, start: number, end: number, words: Word[]}} Row a caption, with a key that stays */

let lastKey = 0;
const newKey = () => ++lastKey;

/** Marks that say something about how a word was heard, and so nothing about what a person wrote in its place. */
const OF_HEARING = new Set(["unsure", "replaced", "holds", "noted"]);

/**
 * Captions as the day gives them, each with a key.
 * @param {{start: number, end: number, words: Word[]}[]} captions @returns {Row[]}
 */
export function rowsOf(captions) {
  return captions.map(({ start, end, words }) => ({ key: newKey(), start, end, words }));
}

/** @param {string} text */
const pieces = (text) => text.split(/\s+/u).filter((piece) => piece !== "");

/** @param {Row[]} rows @param {number} at @param {number} gone @param {...Row} put */
const replaced = (rows, at, gone, ...put) => [...rows.slice(0, at), ...put, ...rows.slice(at + gone)];

/** @param {Row} row */
export const textOf = (row) => row.words.map((word) => word.text).join(" ");

/**
 * A caption becomes two: the second begins with this word. Null where there is nothing to split.
 * @param {Row[]} rows @param {number} at @param {number} word @returns {Row[] | null}
 */
export function splitAt(rows, at, word) {
  const row = rows[at];
  if (!row || word < 1 || word >= row.words.length) return null;
  const start = row.words[word].start;
  const first = { ...row, end: start, words: row.words.slice(0, word) };
  const second = { key: newKey(), start, end: Math.max(row.end, start), words: row.words.slice(word) };
  return replaced(rows, at, 1, first, second);
}

/**
 * A caption is joined with the one before it. Null for the first.
 * @param {Row[]} rows @param {number} at @returns {Row[] | null}
 */
export function joinWithBefore(rows, at) {
  const [before, row] = [rows[at - 1], rows[at]];
  if (!before || !row) return null;
  return replaced(rows, at - 1, 2, { ...before, end: Math.max(before.end, row.end), words: [...before.words, ...row.words] });
}

/**
 * The words `from` to before `to` of a caption become those of a text, which share their time by their length. No text takes
 * them away, and the caption with them where nothing is left of it. Null where nothing changes, or no word of the clip would be left.
 * @param {Row[]} rows @param {number} at @param {number} from @param {number} to @param {string} text @returns {Row[] | null}
 */
export function rewrite(rows, at, from, to, text) {
  const row = rows[at];
  if (!row || from < 0 || to > row.words.length || from >= to) return null;
  const old = row.words.slice(from, to);
  const texts = pieces(text);
  if (texts.length === old.length && texts.every((piece, i) => piece === old[i].text)) return null;
  const words = [...row.words.slice(0, from), ...timed(texts, old), ...row.words.slice(to)];
  if (words.length > 0) return replaced(rows, at, 1, { ...row, words });
  return rows.length > 1 ? replaced(rows, at, 1) : null;
}

/** @param {string[]} texts @param {Word[]} old @returns {Word[]} */
function timed(texts, old) {
  const kept = (/** @type {Word} */ word) => word.marks.filter((mark) => !OF_HEARING.has(mark));
  if (texts.length === old.length) {
    return texts.map((text, i) => (text === old[i].text ? old[i] : { ...old[i], text, marks: kept(old[i]), findings: [] }));
  }
  const [start, end] = [old[0].start, old[old.length - 1].end];
  const letters = texts.reduce((sum, text) => sum + text.length, 0);
  let before = 0;
  return texts.map((text) => {
    const from = start + ((end - start) * before) / letters;
    before += text.length;
    return { text, start: from, end: start + ((end - start) * before) / letters, marks: [], findings: [] };
  });
}

/**
 * Captions as they are saved.
 * @param {Row[]} rows @returns {[number, number, string][]}
 */
export function linesOf(rows) {
  return rows.map((row) => [row.start, row.end, textOf(row)]);
}

/**
 * Captions as they came back, with the keys of those that they were; what did not change at all stays the same object.
 * @param {Row[]} rows @param {{start: number, end: number, words: Word[]}[]} fresh @returns {Row[]}
 */
export function reconciled(rows, fresh) {
  /** @type {Map<string, Row[]>} */
  const byText = new Map();
  for (const row of rows) {
    const text = textOf(row);
    byText.set(text, [...(byText.get(text) ?? []), row]);
  }
  return fresh.map(({ start, end, words }) => {
    const text = words.map((word) => word.text).join(" ");
    const known = byText.get(text)?.shift();
    const row = { key: known ? known.key : newKey(), start, end, words };
    return known && JSON.stringify(known) === JSON.stringify(row) ? known : row;
  });
}

/**
 * Captions from saved ones: those that are still there as they are, others with words that share the time by their length.
 * @param {Row[]} rows @param {[number, number, string][]} lines @returns {Row[]}
 */
export function rowsFromLines(rows, lines) {
  const known = new Map(rows.map((row) => [`${row.start} ${row.end} ${textOf(row)}`, row]));
  const made = (/** @type {[number, number, string]} */ [start, end, text]) => ({ key: newKey(), start, end, words: timed(pieces(text), [{ text: "", start, end, marks: [], findings: [] }]) });
  return lines.map((line) => known.get(`${line[0]} ${line[1]} ${line[2]}`) ?? made(line)).filter((row) => row.words.length > 0);
}

/**
 * All words of the clip one after the other, for whoever looks up a moment.
 * @param {Row[]} rows
 */
export function flat(rows) {
  /** @type {{row: number, word: number, key: number, start: number, end: number}[]} */
  const all = [];
  rows.forEach((row, at) => row.words.forEach(({ start, end }, word) => all.push({ row: at, word, key: row.key, start, end })));
  return all;
}

/** A word stays lit that long into a pause, seconds. */
const LINGER = 0.25;

/**
 * Which of the words is spoken at a second of the clip: its place in `flat`, or -1. By halving.
 * @param {{start: number, end: number}[]} words @param {number} at
 */
export function spokenAt(words, at) {
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle].start <= at) low = middle + 1;
    else high = middle;
  }
  return low > 0 && at < words[low - 1].end + LINGER ? low - 1 : -1;
}

/**
 * A text without the punctuation around it, as a glossary has it.
 * @param {string} text
 */
export function bare(text) {
  return text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}%]+$/gu, "");
}
