// @ts-check
// Glossary from a fix: a word that was corrected once need not be corrected again.

import { Refused, ask } from "./api.js";
import { bare } from "./captions.js";
import { $, announce, h, sentence } from "./dom.js";

/** Quiet time before it is looked up where else the words stand, milliseconds. */
const QUIET = 300;

export class Glossary {
  /** @param {string} id @param {import("./save.js").Saver} saver */
  constructor(id, saver) {
    this.id = id;
    this.saver = saver;
    /** @type {{heard: string, meant: string} | null} */
    this.fix = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.asked = 0;
    $("always").addEventListener("click", () => this.open());
    $("fix-close").addEventListener("click", () => this.drop());
    $("glossary-close").addEventListener("click", () => $("glossary").close());
    $("learn").addEventListener("click", () => void this.#learn(false));
    $("learn-fix").addEventListener("click", () => void this.#learn(true));
    for (const field of ["heard", "meant"]) $(field).addEventListener("input", () => this.#lookUp(QUIET));
  }

  /** Something was corrected. @param {string} heard @param {string} meant */
  offer(heard, meant) {
    const fix = { heard: bare(heard), meant: bare(meant) };
    if (fix.heard === "" || fix.meant === "" || fix.heard === fix.meant) return;
    this.fix = fix;
    $("fix-words").replaceChildren("You wrote ", h("bdi", { class: "strong" }, fix.meant), " for ", h("bdi", { class: "strong" }, fix.heard), ". ", h("kbd", {}, "g"));
    $("fix").hidden = false;
  }

  /** A step was taken back, perhaps the correction itself. */
  drop() {
    this.fix = null;
    $("fix").hidden = true;
  }

  /** @param {string} [words] that are chosen, where nothing was corrected */
  open(words = "") {
    const { heard, meant } = this.fix ?? { heard: bare(words), meant: "" };
    $("heard").value = heard;
    $("meant").value = meant;
    $("glossary-problem").textContent = "";
    $("glossary").showModal();
    (heard === "" ? $("heard") : meant === "" ? $("meant") : $("learn-fix").hidden ? $("learn") : $("learn-fix")).focus();
    this.#lookUp(0);
  }

  get #mishearing() {
    return { heard: $("heard").value.trim(), meant: $("meant").value.trim() };
  }

  /** @param {number} pause */
  #lookUp(pause) {
    clearTimeout(this.timer);
    const mishearing = this.#mishearing;
    const isWhole = mishearing.heard !== "" && mishearing.meant !== "" && mishearing.heard !== mishearing.meant;
    for (const button of ["learn", "learn-fix"]) $(button).disabled = !isWhole;
    if (!isWhole) {
      $("elsewhere").replaceChildren();
      return;
    }
    const asked = ++this.asked;
    this.timer = setTimeout(async () => {
      const found = await ask("POST", `/api/clip/${this.id}/elsewhere`, mishearing).catch(() => null);
      if (asked === this.asked && found) this.#show(found);
    }, pause);
  }

  /** @param {{id: string, name: string, places: number, corrected: boolean}[]} found */
  #show(found) {
    const others = found.filter((clip) => clip.id !== this.id);
    $("learn-fix").hidden = others.length === 0;
    if (others.length === 0) {
      $("elsewhere").replaceChildren(h("p", { class: "soft" }, "It stands in no other clip of this day."));
      return;
    }
    const items = others.map((clip) => h("li", {}, h("bdi", {}, clip.name), `: ${clip.places} ${clip.places === 1 ? "place" : "places"}${clip.corrected ? ", in captions that somebody corrected" : ""}`));
    $("elsewhere").replaceChildren(h("p", {}, `It also stands in ${others.length} other ${others.length === 1 ? "clip" : "clips"}:`), h("ul", { class: "plain" }, ...items));
  }

  /** @param {boolean} fix */
  async #learn(fix) {
    const mishearing = this.#mishearing;
    try {
      await this.saver.flush();
      const changed = await ask("POST", `/api/clip/${this.id}/learn`, { ...mishearing, fix });
      $("glossary").close();
      this.drop();
      const others = changed.filter((/** @type {any} */ clip) => clip.id !== this.id).length;
      const words = `From now on “${mishearing.meant}” is written for “${mishearing.heard}”.${others > 0 ? ` ${others} other ${others === 1 ? "clip changes" : "clips change"} with it.` : ""}`;
      $("notice").textContent = words;
      $("notice").hidden = false;
      announce(words);
    } catch (error) {
      const refused = error instanceof Refused ? error : new Refused(0, null);
      $("glossary-problem").textContent = `${sentence(refused.what)} ${sentence(refused.advice)}`;
    }
  }
}
