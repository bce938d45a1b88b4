// @ts-check
// What is said, as captions of words: light up as they are spoken, are chosen, corrected in place, split and joined. Only rows
// that changed are drawn anew.

import { flat, joinWithBefore, rewrite, spokenAt, splitAt, textOf } from "./captions.js";
import { $, announce, h } from "./dom.js";
import { clipToCut, clock } from "./times.js";

/** @typedef {import("./captions.js").Row} Row */
/** @typedef {{row: Row, element: HTMLElement, words: HTMLElement[]}} Drawn */

/** The page does not follow what is spoken for that long after a person scrolled, milliseconds. */
const LEAVE = 3000;

export class Transcript {
  /**
   * @param {import("./store.js").Store} store
   * @param {{seek: (clip: number) => void, fixed: (heard: string, meant: string) => void, chosen: () => void}} tell
   */
  constructor(store, tell) {
    this.store = store;
    this.tell = tell;
    this.list = $("rows");
    this.scroller = $("said-scroll");
    /** @type {Map<number, Drawn>} */
    this.drawn = new Map();
    /** @type {ReturnType<typeof flat>} */
    this.all = [];
    /** The chosen words of a row: `at` is where the focus is, `from` where the choice began. @type {{key: number, at: number, from: number} | null} */
    this.choice = null;
    /** Parts of the clip that the cut shows; null: not known yet. @type {[number, number][] | null} */
    this.kept = null;
    /** @type {HTMLElement | null} */
    this.lit = null;
    /** @type {number | null} */
    this.litRow = null;
    this.scrolled = 0;
    this.clicked = 0;
    /** Keeps what is being written. @type {(() => void) | null} */
    this.closeEditor = null;
    /** The row in which somebody writes. @type {number | null} */
    this.editing = null;
    this.#bind();
    this.draw();
  }

  #bind() {
    this.list.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#click(event));
    this.list.addEventListener("dblclick", (/** @type {MouseEvent} */ event) => this.#wordOf(event.target) && this.edit());
    this.list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.list.addEventListener("focusin", (/** @type {FocusEvent} */ event) => {
      const found = this.#wordOf(event.target);
      if (found && !(this.choice?.key === found.key && this.choice.at === found.at)) this.#choose(found.key, found.at);
    });
    for (const event of ["wheel", "touchmove", "pointerdown"]) this.scroller.addEventListener(event, () => (this.scrolled = performance.now()), { passive: true });
    $("edit").addEventListener("click", () => this.edit());
    $("split").addEventListener("click", () => this.split());
    $("join").addEventListener("click", () => this.join());
    $("remove").addEventListener("click", () => this.remove());
  }

  /** Draws what changed. */
  draw() {
    const { rows } = this.store;
    const gone = new Set(this.drawn.keys());
    const focused = this.list.contains(document.activeElement) && !this.closeEditor;
    let cursor = this.list.firstElementChild;
    for (const row of rows) {
      gone.delete(row.key);
      const drawn = this.drawn.get(row.key);
      // A row in which somebody is writing is drawn anew when they are done.
      if (!drawn || (drawn.row !== row && row.key !== this.editing)) this.#drawRow(row, drawn);
      const { element } = /** @type {Drawn} */ (this.drawn.get(row.key));
      if (element === cursor) cursor = cursor.nextElementSibling;
      else this.list.insertBefore(element, cursor);
    }
    for (const key of gone) {
      this.drawn.get(key)?.element.remove();
      this.drawn.delete(key);
    }
    this.all = flat(rows);
    if (!this.lit?.isConnected) this.lit = null;
    $("no-words").hidden = rows.length > 0;
    $("revert").hidden = !this.store.view.corrected && !this.store.unsaved.captions;
    this.#mend(focused);
  }

  /** @param {Row} row @param {Drawn} [drawn] */
  #drawRow(row, drawn) {
    const words = row.words.map((word, at) => this.#drawWord(row, word, at));
    const spaced = words.flatMap((word, at) => (at > 0 ? [" ", word] : [word]));
    if (drawn) {
      drawn.row = row;
      drawn.words = words;
      drawn.element.querySelector(".words")?.replaceChildren(...spaced);
      this.#time(/** @type {HTMLElement} */ (drawn.element.querySelector(".time")), row);
      return;
    }
    const time = h("button", { class: "time number", type: "button", tabindex: "-1" });
    this.#time(time, row);
    const element = h("li", { class: "row", "data-row": row.key }, time, h("p", { class: "words", dir: "auto" }, ...spaced));
    this.drawn.set(row.key, { row, element, words });
  }

  /** @param {HTMLElement} element @param {Row} row */
  #time(element, row) {
    element.textContent = clock(row.start, true);
    element.setAttribute("aria-label", `Go to ${clock(row.start, true)}`);
  }

  /** @param {Row} row @param {import("./captions.js").Word} word @param {number} at */
  #drawWord(row, word, at) {
    const marks = word.marks.join(" ");
    const isChosen = this.choice?.key === row.key && this.choice.at === at;
    const button = h("button", { class: "word", type: "button", tabindex: isChosen ? "0" : "-1", "data-word": at, "data-marks": marks || null }, word.text);
    this.#describe(button, word);
    return button;
  }

  /** Says why a word should be looked at, and that it is cut away where it is. @param {HTMLElement} button @param {import("./captions.js").Word} word */
  #describe(button, word) {
    const isOut = this.kept !== null && clipToCut(this.kept, (word.start + word.end) / 2) === null;
    button.classList.toggle("out", isOut);
    const why = [...word.marks, ...(isOut ? ["out"] : [])].map((mark) => `mark-${mark}`).join(" ");
    if (why) button.setAttribute("aria-describedby", why);
    else button.removeAttribute("aria-describedby");
  }

  /** Words outside of what the cut shows are shown as such. @param {[number, number][]} kept parts of the clip */
  only(kept) {
    if (String(kept) === String(this.kept)) return;
    this.kept = kept;
    for (const { row, words } of this.drawn.values()) words.forEach((word, at) => this.#describe(word, row.words[at]));
  }

  /** The choice after rows changed: the same place, or what is nearest. @param {boolean} focused whether it has the focus */
  #mend(focused) {
    const { rows } = this.store;
    if (rows.length === 0) {
      this.choice = null;
    } else {
      const key = this.choice?.key ?? rows[0].key;
      const row = rows.find((known) => known.key === key) ?? rows[Math.min(this.lastAt ?? 0, rows.length - 1)];
      const at = Math.min(this.choice?.at ?? 0, row.words.length - 1);
      const from = this.choice && this.choice.key === row.key ? Math.min(this.choice.from, row.words.length - 1) : at;
      this.choice = { key: row.key, at, from };
    }
    this.#showChoice(focused);
  }

  /** Place of the chosen row when it was last drawn. @type {number | undefined} */
  lastAt = undefined;

  /** @param {boolean} focus */
  #showChoice(focus) {
    this.list.querySelectorAll(".word.picked, .word[tabindex='0']").forEach((/** @type {HTMLElement} */ word) => {
      word.classList.remove("picked");
      word.tabIndex = -1;
    });
    const { choice } = this;
    if (choice) {
      const words = this.drawn.get(choice.key)?.words ?? [];
      const [from, to] = this.#range(choice);
      words.slice(from, to).forEach((word) => word.classList.add("picked"));
      this.lastAt = this.store.rows.findIndex((row) => row.key === choice.key);
      const word = words[choice.at];
      if (word) word.tabIndex = 0;
      if (focus) word?.focus({ preventScroll: false });
    }
    const isMany = choice !== null && choice.at !== choice.from;
    $("edit").disabled = !choice;
    $("remove").disabled = !choice || this.all.length < 2;
    $("split").disabled = !choice || isMany || choice.at === 0;
    $("join").disabled = !choice || this.lastAt === 0;
    this.tell.chosen();
  }

  /** @param {{at: number, from: number}} choice @returns {[number, number]} */
  #range({ at, from }) {
    return [Math.min(at, from), Math.max(at, from) + 1];
  }

  /** @param {EventTarget | null} target @returns {{key: number, at: number} | null} */
  #wordOf(target) {
    const word = target instanceof Element ? target.closest("button.word") : null;
    const row = word?.closest("li.row");
    if (!(word instanceof HTMLElement) || !(row instanceof HTMLElement)) return null;
    return { key: Number(row.dataset.row), at: Number(word.dataset.word) };
  }

  /** @param {number} key @param {number} at @param {{focus?: boolean, extend?: boolean}} [how] */
  #choose(key, at, { focus = false, extend = false } = {}) {
    const from = extend && this.choice?.key === key ? this.choice.from : at;
    this.choice = { key, at, from };
    this.#showChoice(focus);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const time = event.target instanceof Element ? event.target.closest(".time") : null;
    const found = this.#wordOf(event.target);
    if (time) {
      const row = this.store.rows.find((known) => known.key === Number(/** @type {HTMLElement} */ (time.closest("li.row")).dataset.row));
      if (row) this.tell.seek(row.start);
    } else if (found) {
      this.#choose(found.key, found.at, { focus: true, extend: event.shiftKey });
      if (!event.shiftKey) this.tell.seek(this.drawn.get(found.key)?.row.words[found.at].start ?? 0);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const found = this.#wordOf(event.target);
    if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
    const isRtl = getComputedStyle(/** @type {Element} */ (event.target)).direction === "rtl";
    const side = isRtl ? -1 : 1;
    /** @type {Record<string, () => void>} */
    const moves = {
      ArrowRight: () => this.#move(side, event.shiftKey),
      ArrowLeft: () => this.#move(-side, event.shiftKey),
      ArrowDown: () => this.#moveRow(1),
      ArrowUp: () => this.#moveRow(-1),
      Home: () => this.#choose(found.key, 0, { focus: true, extend: event.shiftKey }),
      End: () => this.#choose(found.key, (this.drawn.get(found.key)?.words.length ?? 1) - 1, { focus: true, extend: event.shiftKey }),
      Enter: () => this.edit(),
      F2: () => this.edit(),
      Delete: () => this.remove(),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }

  /** @param {number} by @param {boolean} extend */
  #move(by, extend) {
    if (!this.choice) return;
    const { key, at } = this.choice;
    const words = this.drawn.get(key)?.words.length ?? 0;
    if (at + by >= 0 && at + by < words) {
      this.#choose(key, at + by, { focus: true, extend });
    } else if (!extend) {
      const row = this.store.rows[(this.lastAt ?? 0) + by];
      if (row) this.#choose(row.key, by > 0 ? 0 : row.words.length - 1, { focus: true });
    }
  }

  /** @param {number} by */
  #moveRow(by) {
    const row = this.store.rows[(this.lastAt ?? 0) + by];
    if (row) this.#choose(row.key, Math.min(this.choice?.at ?? 0, row.words.length - 1), { focus: true });
  }

  /** Where a word is, chosen and in sight. @param {number} key @param {number} at @param {boolean} focus */
  show(key, at, focus) {
    this.#choose(key, at, { focus });
    this.drawn.get(key)?.element.scrollIntoView({ block: "nearest" });
  }

  /** The chosen words and where they are. */
  get chosen() {
    const { choice } = this;
    const row = choice && this.store.rows[this.lastAt ?? -1];
    if (!choice || !row) return null;
    const [from, to] = this.#range(choice);
    return { row, at: this.lastAt ?? 0, from, to, text: row.words.slice(from, to).map((word) => word.text).join(" ") };
  }

  /** Puts the focus on the chosen word. */
  focus() {
    this.#showChoice(true);
  }

  edit() {
    const chosen = this.chosen;
    if (!chosen || this.closeEditor) return;
    const { row, from, to, text } = chosen;
    const words = (this.drawn.get(row.key)?.words ?? []).slice(from, to);
    const input = h("input", { class: "edit", type: "text", value: text, dir: "auto", "aria-label": `Write instead of ${text}`, spellcheck: "true" });
    const size = () => (input.style.width = `${Math.max(4, input.value.length + 2)}ch`);
    size();
    words[0].before(input);
    words.forEach((word) => (word.hidden = true));
    let open = true;
    const close = (/** @type {boolean} */ keep, /** @type {boolean} */ focus) => {
      if (!open) return;
      open = false;
      this.closeEditor = null;
      this.editing = null;
      const written = input.value;
      input.remove();
      words.forEach((word) => (word.hidden = false));
      if (!keep || !this.#rewrite(row.key, from, to, text, written)) this.draw();
      if (focus) this.focus();
    };
    this.editing = row.key;
    this.closeEditor = () => close(true, false);
    input.addEventListener("input", size);
    input.addEventListener("blur", () => close(true, false));
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" || event.key === "Escape") {
        event.preventDefault();
        close(event.key === "Enter", true);
      } else if (event.key === "Tab") {
        event.preventDefault();
        close(true, true);
        this.#move(event.shiftKey ? -1 : 1, false);
        this.edit();
      }
      event.stopPropagation();
    });
    input.focus();
    input.select();
  }

  /** @param {number} key @param {number} from @param {number} to @param {string} old @param {string} written */
  #rewrite(key, from, to, old, written) {
    const at = this.store.rows.findIndex((row) => row.key === key);
    const rows = rewrite(this.store.rows, at, from, to, written);
    if (!rows) return false;
    const last = Math.max(from, from + written.split(/\s+/u).filter(Boolean).length - 1);
    if (this.choice) this.choice = { ...this.choice, at: last, from: last };
    this.store.change({ rows });
    if (written.trim() !== "") this.tell.fixed(old, written.trim());
    return true;
  }

  split() {
    const chosen = this.chosen;
    const rows = chosen && splitAt(this.store.rows, chosen.at, chosen.from);
    if (!chosen || !rows) return;
    this.choice = { key: rows[chosen.at + 1].key, at: 0, from: 0 };
    this.#changeAndFocus(rows, "Split into two captions");
  }

  join() {
    const chosen = this.chosen;
    const rows = chosen && joinWithBefore(this.store.rows, chosen.at);
    if (!chosen || !rows) return;
    const at = rows[chosen.at - 1].words.length - chosen.row.words.length + chosen.from;
    this.choice = { key: rows[chosen.at - 1].key, at, from: at };
    this.#changeAndFocus(rows, "Joined with the caption before");
  }

  remove() {
    const chosen = this.chosen;
    const rows = chosen && rewrite(this.store.rows, chosen.at, chosen.from, chosen.to, "");
    if (!chosen || !rows) return;
    this.choice = { key: chosen.row.key, at: chosen.from, from: chosen.from };
    this.#changeAndFocus(rows, `Removed ${chosen.text}`);
  }

  /** @param {Row[]} rows @param {string} said */
  #changeAndFocus(rows, said) {
    this.store.change({ rows });
    this.focus();
    announce(said);
  }

  /** Lights the word that is spoken: two classes change at most. @param {number} clip @param {boolean} playing */
  spoken(clip, playing) {
    const found = this.all[spokenAt(this.all, clip)];
    const drawn = found && this.drawn.get(found.key);
    const word = drawn?.words[found.word] ?? null;
    if (word === this.lit) return;
    this.lit?.classList.remove("spoken");
    word?.classList.add("spoken");
    this.lit = word;
    if (!drawn || found.key === this.litRow) return;
    this.litRow = found.key;
    if (playing && !this.closeEditor && performance.now() - this.scrolled > LEAVE) this.#follow(drawn.element);
  }

  /** @param {HTMLElement} element */
  #follow(element) {
    const [box, room] = [element.getBoundingClientRect(), this.scroller.getBoundingClientRect()];
    if (box.bottom > room.bottom - 40 || box.top < room.top) this.scroller.scrollTop += box.top - room.top - room.height / 3;
  }

  /** All that is said, for whoever compares. */
  get text() {
    return this.store.rows.map(textOf).join(" ");
  }
}
