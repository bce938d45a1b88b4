// @ts-check
// The list of what a person should look at, with what to do about each, and the way from one to the next.

import { bare } from "./captions.js";
import { $, announce, h, sentence } from "./dom.js";
import { clock } from "./times.js";

/** @typedef {{start: number | null, words: string, label: string, advice: string, holds: boolean, marks: string[], key: number | null, word: number, last: number}} Look */

/** Kinds of words that are worth listening to: how they are called, and what to do. */
const KINDS = {
  unsure: { label: "Hard to hear", advice: "Listen, and mend what is wrong." },
  dose: { label: "Dose", advice: "Listen: number and unit have to be as they were said." },
  number: { label: "Number", advice: "Listen: it has to be as it was said." },
  negation: { label: "No or not", advice: "Listen: a missing “not” turns the meaning round." },
  replaced: { label: "Not as heard", advice: "The glossary or the script changed it. Check that it is what was said." },
};

/** @typedef {keyof typeof KINDS} Kind */

/**
 * Everything to look at: what holds the clip first, then findings, then words, each in the order of the clip. Pure.
 * @param {any[]} findings @param {import("./captions.js").Row[]} rows @returns {Look[]}
 */
export function looksOf(findings, rows) {
  const places = new Map();
  for (const row of rows) {
    row.words.forEach((word, at) => word.findings.forEach((finding) => {
      const place = places.get(finding);
      if (!place) places.set(finding, { key: row.key, word: at, last: at });
      else if (place.key === row.key) place.last = at;
    }));
  }
  const found = findings.map((finding, index) => ({
    start: finding.start, words: finding.words, label: `${NAMES[finding.category] ?? finding.category}, in ${finding.place}`, advice: finding.advice, holds: finding.holds,
    marks: [finding.holds ? "holds" : "noted"], ...(places.get(index) ?? { key: null, word: 0, last: 0 }),
  }));
  const inOrder = (/** @type {Look} */ a, /** @type {Look} */ b) => (a.start ?? Infinity) - (b.start ?? Infinity) || 0;
  return [...found.filter((f) => f.holds).sort(inOrder), ...found.filter((f) => !f.holds).sort(inOrder), ...words(rows)];
}

/** What a category is called. @type {Record<string, string>} */
const NAMES = { privacy: "Privacy", claims: "Promise", care: "Care" };

/** Runs of words that are marked alike. @param {import("./captions.js").Row[]} rows @returns {Look[]} */
function words(rows) {
  /** @type {Look[]} */
  const all = [];
  for (const row of rows) {
    /** @type {Look | null} */
    let open = null;
    row.words.forEach((word, at) => {
      const marks = word.marks.filter((mark) => mark in KINDS);
      if (open && marks.some((mark) => open?.marks.includes(mark))) {
        open.words += ` ${word.text}`;
        open.last = at;
        open.marks = [...new Set([...open.marks, ...marks])];
      } else if (marks.length > 0) {
        open = { start: word.start, words: word.text, label: "", advice: "", holds: false, marks, key: row.key, word: at, last: at };
        all.push(open);
      } else {
        open = null;
      }
    });
  }
  for (const look of all) {
    const kinds = /** @type {Kind[]} */ (Object.keys(KINDS).filter((kind) => look.marks.includes(kind) && !(kind === "number" && look.marks.includes("dose"))));
    look.words = bare(look.words) || look.words;
    look.label = kinds.map((kind, i) => (i > 0 ? KINDS[kind].label.toLowerCase() : KINDS[kind].label)).join(", ");
    look.advice = KINDS[kinds[0]].advice;
  }
  return all;
}

export class Marks {
  /**
   * @param {import("./store.js").Store} store
   * @param {(look: Look, focus: boolean) => void} show brings one in sight
   */
  constructor(store, show) {
    this.store = store;
    this.show = show;
    /** @type {Look[]} */
    this.looks = [];
    this.at = -1;
    /** @type {any} */
    this.drawnRows = null;
    /** @type {any} */
    this.drawnView = null;
    $("look-next").addEventListener("click", () => this.go(1, false));
    $("to-look").addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const item = event.target instanceof Element ? event.target.closest("li[data-look]") : null;
      if (item instanceof HTMLElement) this.#goTo(Number(item.dataset.look), false);
    });
    this.draw();
  }

  draw() {
    const { view, rows } = this.store;
    if (this.drawnRows === rows && this.drawnView === view) return;
    [this.drawnRows, this.drawnView] = [rows, view];
    const looks = looksOf(view.findings, rows);
    const isSame = JSON.stringify(looks) === JSON.stringify(this.looks);
    this.looks = looks;
    if (isSame && $("to-look").firstChild) return;
    this.at = Math.min(this.at, looks.length - 1);
    const groups = /** @type {[string, string, (look: Look) => boolean][]} */ ([
      ["Holds this clip", "holds", (look) => look.holds],
      ["Worth checking", "noted", (look) => !look.holds && look.marks.includes("noted")],
      ["Words to listen to", "words", (look) => !look.holds && !look.marks.includes("noted")],
    ]);
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.("li[data-look]"));
    $("to-look").replaceChildren(...groups.flatMap(([title, name, belongs]) => {
      const items = looks.flatMap((look, index) => (belongs(look) ? [this.#item(look, index)] : []));
      return items.length > 0 ? [h("h3", {}, `${title} `, h("span", { class: "soft" }, String(items.length))), h("ol", { class: `looks ${name}` }, ...items)] : [];
    }));
    if (focused) document.querySelector(`li[data-look="${focused.dataset.look}"] button`)?.dispatchEvent(new Event("focus"));
    $("look-count").textContent = looks.length > 0 ? String(looks.length) : "";
    $("look-summary").textContent = looks.length > 0 ? "Go through them one by one." : "Nothing was flagged. Still read every caption against what is said.";
    $("look-next").hidden = looks.length === 0;
    $("remarks").replaceChildren(...view.remarks.map((/** @type {string} */ remark) => h("li", { dir: "auto" }, remark)));
    this.#current();
  }

  /** @param {Look} look @param {number} index */
  #item(look, index) {
    const when = look.start === null ? null : h("span", { class: "number soft" }, clock(look.start));
    return h("li", { "data-look": index },
      h("button", { type: "button", class: "look" },
        h("span", { class: "look-head" }, h("span", { class: "sample", "data-marks": look.marks.join(" "), dir: "auto" }, look.words), when),
        h("span", { class: "look-label" }, look.label),
        h("span", { class: "look-advice" }, sentence(look.advice))));
  }

  #current() {
    document.querySelectorAll("li[data-look]").forEach((item) => {
      const isHere = Number(/** @type {HTMLElement} */ (item).dataset.look) === this.at;
      item.classList.toggle("here", isHere);
      item.querySelector("button")?.setAttribute("aria-current", String(isHere));
    });
  }

  /** To the next or the one before. @param {number} by @param {boolean} focus whether the word gets the focus */
  go(by, focus) {
    this.draw();
    if (this.looks.length === 0) {
      announce("Nothing to look at");
      return;
    }
    this.#goTo(this.at < 0 ? (by > 0 ? 0 : this.looks.length - 1) : (this.at + by + this.looks.length) % this.looks.length, focus);
  }

  /** @param {number} index @param {boolean} focus */
  #goTo(index, focus) {
    const look = this.looks[index];
    if (!look) return;
    this.at = index;
    this.#current();
    document.querySelector(`li[data-look="${index}"]`)?.scrollIntoView({ block: "nearest" });
    this.show(look, focus);
    announce(`${index + 1} of ${this.looks.length}: ${look.words}. ${look.label}. ${sentence(look.advice)}`);
  }
}
