// @ts-check
// Where the cuts begin and end, the moment of the cover, and what a crop keeps in its middle.

import { BASE } from "./base.js";
import { withChoice } from "./choices.js";
import { $, announce } from "./dom.js";
import { around, shownPart } from "./placing.js";
import { clock, spokenClock } from "./times.js";

/** Shortest cut that can be chosen, seconds. */
const LEAST = 1;

export class Picture {
  /** @param {import("./store.js").Store} store @param {import("./stage.js").Stage} stage */
  constructor(store, stage) {
    this.store = store;
    this.stage = stage;
    this.#bindTrim();
    this.#bindCover();
    this.#bindCrop();
    addEventListener("tab", () => this.drawWhole());
    $("video").addEventListener("seeked", () => this.drawWhole());
    $("video").addEventListener("loadeddata", () => this.drawWhole());
    this.draw();
  }

  #bindTrim() {
    for (const side of /** @type {const} */ (["start", "end"])) {
      $(side).addEventListener("change", () => this.trim(side, $(side).value === "" ? null : Number($(side).value)));
      $(`${side}-here`).addEventListener("click", () => this.trim(side, this.stage.clip));
    }
    $("trim-auto").addEventListener("click", () => {
      $("trim-problem").textContent = "";
      const { choices } = this.store;
      this.store.change({ choices: withChoice(withChoice(choices, "start", null), "end", null) });
    });
  }

  /** Where the cuts begin or end. @param {"start" | "end"} side @param {number | null} at second of the clip; null: as Housecall has it */
  trim(side, at) {
    const { store } = this;
    const rounded = at === null ? null : Math.round(at * 100) / 100;
    const start = (side === "start" ? rounded : store.value("start")) ?? 0;
    const end = (side === "end" ? rounded : store.value("end")) ?? store.view.duration;
    const problem = !(start >= 0 && end <= store.view.duration + 0.05)
      ? `Choose a time between 0 and ${store.view.duration.toFixed(1)} seconds.`
      : end - start < LEAST ? "The end has to come at least a second after the beginning." : "";
    $("trim-problem").textContent = problem;
    $(side).setAttribute("aria-invalid", String(problem !== ""));
    if (problem) return;
    store.change({ choices: withChoice(store.choices, side, rounded) });
    announce(`${side === "start" ? "Begins" : "Ends"} at ${spokenClock(side === "start" ? start : end)}`);
  }

  #bindCover() {
    $("cover-here").addEventListener("click", () => this.coverHere());
    $("cover-auto").addEventListener("click", () => this.store.change({ choices: withChoice(this.store.choices, "cover", null) }));
  }

  coverHere() {
    const at = Math.round(this.stage.clip * 100) / 100;
    this.store.change({ choices: withChoice(this.store.choices, "cover", at) });
    announce(`The cover shows ${spokenClock(at)}`);
  }

  #bindCrop() {
    const whole = $("whole");
    const anchor = $("anchor");
    const at = (/** @type {PointerEvent} */ event) => {
      const box = whole.getBoundingClientRect();
      this.#anchor([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    };
    let dragging = false;
    whole.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (anchor.disabled) return;
      event.preventDefault();
      dragging = true;
      whole.setPointerCapture(event.pointerId);
      anchor.focus();
      at(event);
    });
    whole.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => dragging && at(event));
    for (const end of ["pointerup", "pointercancel"]) whole.addEventListener(end, () => (dragging = false));
    anchor.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const step = event.shiftKey ? 0.1 : 0.01;
      const move = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] })[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      const [x, y] = this.#middle();
      this.#anchor([x + move[0], y + move[1]]);
    });
    $("anchor-x").addEventListener("change", () => this.#anchor([Number($("anchor-x").value) / 100, this.#middle()[1]]));
    $("anchor-y").addEventListener("change", () => this.#anchor([this.#middle()[0], Number($("anchor-y").value) / 100]));
    $("anchor-auto").addEventListener("click", () => this.store.change({ choices: withChoice(this.store.choices, "anchor", null) }));
  }

  /** The part that is shown now, of the displayed picture. */
  #part() {
    const { look } = this.stage;
    const part = shownPart(look.placement, this.stage.cut ?? 0);
    const chosen = this.store.value("anchor");
    return part && chosen ? around(part, chosen, this.store.view.displayed) : part;
  }

  /** @returns {[number, number]} */
  #middle() {
    const chosen = this.store.value("anchor");
    if (chosen) return chosen;
    const part = this.#part();
    const [width, height] = this.store.view.displayed;
    return part ? [(part.x + part.width / 2) / width, (part.y + part.height / 2) / height] : [0.5, 0.5];
  }

  /** @param {[number, number]} to */
  #anchor(to) {
    const share = (/** @type {number} */ value) => Math.round(Math.min(Math.max(value || 0, 0), 1) * 1000) / 1000;
    this.store.change({ choices: withChoice(this.store.choices, "anchor", [share(to[0]), share(to[1])]) }, "anchor");
    const part = this.#part();
    // Seen at once; the day's answer takes its place.
    if (part) this.stage.preview({ kind: "fill", crop: part });
  }

  draw() {
    const { store } = this;
    const [start, end] = [store.value("start") ?? this.stage.look.kept[0]?.[0] ?? 0, store.value("end") ?? this.stage.look.kept.at(-1)?.[1] ?? store.view.duration];
    if (document.activeElement !== $("start")) $("start").value = String(Math.round(start * 100) / 100);
    if (document.activeElement !== $("end")) $("end").value = String(Math.round(end * 100) / 100);
    for (const side of ["start", "end"]) $(side).max = String(store.view.duration);
    $("trim-auto").hidden = store.choices.start === undefined && store.choices.end === undefined;
    const cover = store.value("cover");
    const isOwn = store.choices.cover !== undefined;
    $("cover-when").textContent = cover === null ? "Housecall chooses the moment." : `The moment at ${clock(cover, true)}${isOwn ? "" : ", chosen by Housecall"}.`;
    $("cover-auto").hidden = !isOwn;
    $("cover").hidden = !store.view.card.cover;
    const address = `${BASE}/media/${store.view.card.id}/cover?version=${store.view.version}`;
    if (store.view.card.cover && $("cover").getAttribute("src") !== address) $("cover").src = address;
    this.drawWhole();
  }

  /** The whole picture of this moment, and what is kept of it. */
  drawWhole() {
    if ($("panel-picture").hidden) return;
    const { store } = this;
    const [width, height] = store.view.displayed;
    const canvas = $("whole-picture");
    const scale = Math.min(480 / width, 480 / height);
    const [wide, tall] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== wide || canvas.height !== tall) Object.assign(canvas, { width: wide, height: tall });
    $("whole").classList.toggle("tall", height > width);
    const video = $("video");
    if (video.readyState >= 2) canvas.getContext("2d")?.drawImage(video, 0, 0, wide, tall);
    const part = this.#part();
    const isOwn = store.choices.anchor !== undefined;
    $("anchor").disabled = !part;
    $("anchor").hidden = !part;
    $("crop").hidden = !part;
    for (const field of ["anchor-x", "anchor-y"]) $(field).disabled = !part;
    $("anchor-auto").hidden = !isOwn;
    const isWhole = !part || (part.width >= width - 1 && part.height >= height - 1);
    $("crop-hint").textContent = isWhole
      ? "The whole picture is shown on this platform: nothing is cut away."
      : isOwn ? "Drag the point, or click where the middle should be. Arrow keys move it." : "Housecall follows the speaker. Click where the middle should be to choose yourself.";
    if (!part) return;
    const percent = (/** @type {number} */ value, /** @type {number} */ of) => `${(value / of) * 100}%`;
    Object.assign($("crop").style, { left: percent(part.x, width), top: percent(part.y, height), width: percent(part.width, width), height: percent(part.height, height) });
    const [x, y] = this.#middle();
    Object.assign($("anchor").style, { left: `${x * 100}%`, top: `${y * 100}%` });
    $("anchor").setAttribute("aria-label", `Middle of what stays: ${Math.round(x * 100)} % across, ${Math.round(y * 100)} % down. Arrow keys move it.`);
    if (document.activeElement !== $("anchor-x")) $("anchor-x").value = String(Math.round(x * 100));
    if (document.activeElement !== $("anchor-y")) $("anchor-y").value = String(Math.round(y * 100));
  }
}
