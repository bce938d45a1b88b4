// @ts-check
// The clip that is open: as the day gave it, as it is here with everything a person changed, and every step back and forth.
// Knows no page and no network.

import { linesOf, reconciled, rowsOf } from "./captions.js";
import { chosen } from "./choices.js";

/** @typedef {import("./captions.js").Row} Row */
/** @typedef {import("./choices.js").Choices} Choices */
/** @typedef {{rows: Row[], choices: Choices}} Step */
/** @typedef {{captions: string, choices: string}} Print what was sent, for comparison */

/** Steps back that are kept; each shares most of its captions with the next. */
const MOST_STEPS = 500;

/** Changes of the same thing within this many milliseconds are one step. */
const ONE_STEP = 1200;

export class Store {
  /** @param {any} view ClipView */
  constructor(view) {
    this.view = view;
    /** @type {Row[]} */
    this.rows = rowsOf(view.captions);
    /** @type {Choices} */
    this.choices = chosen(view.choices, view.defaults);
    /** @type {Step[]} */
    this.past = [];
    /** @type {Step[]} */
    this.future = [];
    /** @type {{what: string, at: number} | null} */
    this.last = null;
    /** @type {Map<string, Set<() => void>>} */
    this.listeners = new Map();
    this.base = this.#printOf(rowsOf(view.captions), this.choices);
  }

  /**
   * Calls back on `change` (of a person: captions or choices), `view` (what the day gave is another).
   * @param {"change" | "view"} event @param {() => void} run
   */
  on(event, run) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event)?.add(run);
  }

  /** @param {"change" | "view"} event */
  #tell(event) {
    this.listeners.get(event)?.forEach((run) => run());
  }

  /** @param {Row[]} rows @param {Choices} choices @returns {Print} */
  #printOf(rows, choices) {
    return { captions: JSON.stringify(linesOf(rows)), choices: JSON.stringify(choices) };
  }

  /** What is here, for comparison. */
  get print() {
    return this.#printOf(this.rows, this.choices);
  }

  /** What of it the day does not have yet. */
  get unsaved() {
    const { captions, choices } = this.print;
    return { captions: captions !== this.base.captions, choices: choices !== this.base.choices };
  }

  /** Whether the day has everything. */
  get isSaved() {
    const { captions, choices } = this.unsaved;
    return !captions && !choices;
  }

  /** Whether a clip says just what is here, whatever its times. @param {any} view */
  isHere(view) {
    const texts = (/** @type {{words: {text: string}[]}[]} */ rows) => JSON.stringify(rows.map((row) => row.words.map((word) => word.text)));
    const choices = JSON.stringify(chosen(view.choices, view.defaults));
    return texts(view.captions) === texts(this.rows) && choices === JSON.stringify(this.choices);
  }

  /** What stands for a single choice. @param {"question" | "hook" | "start" | "end" | "anchor" | "cover"} key */
  value(key) {
    return this.choices[key] ?? this.view.defaults[key] ?? null;
  }

  /**
   * A person's change. Those of the same `what` that follow each other quickly are one step back.
   * @param {{rows?: Row[] | null, choices?: Choices}} change @param {string} [what] @param {number} [now]
   * @returns {boolean} whether anything changed
   */
  change({ rows, choices }, what = "", now = Date.now()) {
    const before = { rows: this.rows, choices: this.choices };
    const next = { rows: rows ?? this.rows, choices: choices ? chosen(choices, this.view.defaults) : this.choices };
    if (next.rows === before.rows && JSON.stringify(next.choices) === JSON.stringify(before.choices)) return false;
    const isSameStep = what !== "" && this.last?.what === what && now - this.last.at < ONE_STEP && this.past.length > 0;
    if (!isSameStep) this.past = [...this.past.slice(1 - MOST_STEPS), before];
    this.future = [];
    this.last = { what, at: now };
    ({ rows: this.rows, choices: this.choices } = next);
    this.#tell("change");
    return true;
  }

  /** @returns {boolean} */
  undo() {
    return this.#step(this.past, this.future);
  }

  /** @returns {boolean} */
  redo() {
    return this.#step(this.future, this.past);
  }

  /** @param {Step[]} from @param {Step[]} to */
  #step(from, to) {
    const step = from.pop();
    if (!step) return false;
    to.push({ rows: this.rows, choices: this.choices });
    ({ rows: this.rows, choices: this.choices } = step);
    this.last = null;
    this.#tell("change");
    return true;
  }

  /**
   * The day's answer, or the clip as it is there now. What nobody touched here since `sent` becomes what the day has.
   * @param {any} view @param {Print} [sent]
   */
  take(view, sent = this.base) {
    const { captions, choices } = this.print;
    this.view = view;
    const fresh = rowsOf(view.captions);
    this.base = this.#printOf(fresh, chosen(view.choices, view.defaults));
    if (captions === sent.captions || captions === this.base.captions) this.rows = reconciled(this.rows, view.captions);
    if (choices === sent.choices) this.choices = chosen(view.choices, view.defaults);
    this.#tell("view");
  }

  /**
   * After a conflict: goes on from what the day has, with what is here. The other version is one step back.
   * @param {any} theirs @param {"mine" | "theirs"} which
   */
  settle(theirs, which) {
    const mine = { rows: this.rows, choices: this.choices };
    this.view = theirs;
    const other = { rows: reconciled(this.rows, theirs.captions), choices: chosen(theirs.choices, theirs.defaults) };
    this.base = this.#printOf(other.rows, other.choices);
    const [kept, back] = which === "mine" ? [mine, other] : [other, mine];
    this.past = [...this.past, back];
    this.future = [];
    this.last = null;
    ({ rows: this.rows, choices: this.choices } = kept);
    this.#tell("view");
    this.#tell("change");
  }
}
