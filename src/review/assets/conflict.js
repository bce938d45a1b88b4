// @ts-check
// Two versions of a clip side by side, and the choice between them. Neither is lost: the other is one step back.

import { linesOf } from "./captions.js";
import { chosen } from "./choices.js";
import { choiceDifferences, wordDifferences } from "./differences.js";
import { $, h } from "./dom.js";
import { clock } from "./times.js";

export class Conflict {
  /** @param {import("./store.js").Store} store @param {(which: "mine" | "theirs") => void} settle */
  constructor(store, settle) {
    this.store = store;
    const decide = (/** @type {"mine" | "theirs"} */ which) => {
      $("conflict").close();
      $("decide").hidden = true;
      settle(which);
    };
    $("keep-mine").addEventListener("click", () => decide("mine"));
    $("take-theirs").addEventListener("click", () => decide("theirs"));
    $("decide-later").addEventListener("click", () => $("conflict").close());
    $("decide").addEventListener("click", () => this.theirs && this.show(this.theirs));
    /** @type {any} */
    this.theirs = null;
  }

  /** @param {any} theirs ClipView */
  show(theirs) {
    this.theirs = theirs;
    $("decide").hidden = false;
    const mine = linesOf(this.store.rows);
    const other = theirs.captions.map((/** @type {any} */ row) => [row.start, row.end, row.words.map((/** @type {any} */ word) => word.text).join(" ")]);
    const choices = choiceDifferences(this.store.choices, chosen(theirs.choices, theirs.defaults));
    const words = wordDifferences(mine.flatMap((line) => line[2].split(" ")), other.flatMap((/** @type {any} */ line) => line[2].split(" ")));
    $("mine").replaceChildren(...this.#side(mine, words.mine, choices.map(({ name, mine: value }) => [name, value])));
    $("theirs").replaceChildren(...this.#side(other, words.theirs, choices.map(({ name, theirs: value }) => [name, value])));
    if (!$("conflict").open) $("conflict").showModal();
    $("keep-mine").focus();
  }

  /**
   * Captions in which something differs, and choices that do.
   * @param {[number, number, string][]} lines @param {{text: string, same: boolean}[]} words @param {string[][]} choices
   */
  #side(lines, words, choices) {
    let at = 0;
    const rows = [];
    for (const [start, , text] of lines) {
      const own = words.slice(at, (at += text.split(" ").length));
      if (own.every((word) => word.same)) continue;
      const shown = own.flatMap((word, i) => [i > 0 ? " " : "", word.same ? word.text : h("mark", {}, word.text)]);
      rows.push(h("p", { dir: "auto" }, h("span", { class: "number soft" }, `${clock(start)} `), ...shown));
    }
    const chosenRows = choices.map(([name, value]) => h("p", {}, h("span", { class: "soft" }, `${name}: `), h("mark", {}, value === "" ? "nothing" : value)));
    const all = [...rows, ...chosenRows];
    return all.length > 0 ? all : [h("p", { class: "soft" }, "The same words; the other version has more, or its captions begin and end elsewhere.")];
  }
}
