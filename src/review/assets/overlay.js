// @ts-check
// What is drawn over the picture, as it will be burned in: captions, question, mark, logo, and the area that stays free.
// Everything stands in pixels of the canvas; the sheet that it lies on is scaled as a whole.

import { BASE } from "./base.js";
import { $, h } from "./dom.js";

// Shares of a line's height, as the engine has them for the question's box.
const QUESTION = { beside: 0.55, above: 0.38, corner: 0.4 };

/** Families as CSS takes them. @param {string[]} fonts */
const families = (fonts) => [...fonts.map((font) => JSON.stringify(font)), "sans-serif"].join(", ");

/** How high a line of a font is for each pixel of its size; the engine counts sizes in lines. @param {string} font */
function lineShare(font) {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return 1.21;
  context.font = `100px ${font}`;
  const size = context.measureText("Hg");
  return (size.fontBoundingBoxAscent + size.fontBoundingBoxDescent) / 100 || 1.21;
}

/** White or near black, whichever reads better on a colour. @param {string} colour `#rrggbb` */
export function readableOn(colour) {
  const part = (/** @type {number} */ at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const light = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.055 ? "#ffffff" : "#101010";
}

/** @param {any} element @param {{x: number, y: number, width: number, height: number}} area */
export function put(element, { x, y, width, height }) {
  Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
}

export class Overlay {
  constructor() {
    this.cue = $("cue");
    this.hook = $("hook-shown");
    this.mark = $("mark");
    /** @type {any} */
    this.look = null;
    this.shown = -2;
    /** @type {{element: HTMLElement, start: number}[]} */
    this.words = [];
    this.spoken = -1;
  }

  /** Another platform, or the clip was saved. @param {any} look */
  show(look) {
    this.look = look;
    this.shown = -2;
    const { canvas, style, caption_box: box, safe, logo } = look;
    const font = families(style.fonts);
    const share = lineShare(font);
    const edge = Math.ceil(style.outline);
    Object.assign(this.cue.style, {
      left: `${box.x}px`, width: `${box.width}px`, bottom: `${canvas[1] - box.y - box.height + edge}px`,
      fontFamily: font, fontWeight: style.bold ? "700" : "400", fontSize: `${style.line_height / share}px`, lineHeight: `${style.line_height}px`,
      color: style.colour, webkitTextStroke: `${style.outline * 2}px ${style.outline_colour}`,
    });
    this.cue.style.setProperty("--spoken", style.spoken_colour ?? style.colour);
    put($("safe"), safe);
    $("logo").hidden = !logo;
    if (logo) {
      put($("logo"), logo);
      $("logo").style.opacity = String(look.logo_opacity);
      if (!$("logo").src) $("logo").src = `${BASE}/media/logo`;
    }
    this.#placeMark(font, share);
    this.#placeHook(font, share);
  }

  /** @param {string} font @param {number} share */
  #placeMark(font, share) {
    const { mark_text: mark, canvas, safe, style } = this.look;
    if (!mark) return;
    const line = mark.line_height;
    const middle = mark.place.x + mark.place.width / 2;
    const isLeft = middle < safe.x + safe.width * 0.45;
    const isLow = mark.place.y + mark.place.height / 2 > canvas[1] / 2;
    this.mark.textContent = mark.lines.join(" ");
    put(this.mark, mark.place);
    Object.assign(this.mark.style, {
      fontFamily: font, fontWeight: style.bold ? "700" : "400", fontSize: `${line / share}px`, lineHeight: `${line}px`, color: mark.colour, opacity: String(mark.opacity),
      justifyContent: isLeft ? "flex-start" : "flex-end", alignItems: isLow ? "flex-end" : "flex-start",
      webkitTextStroke: `${style.outline}px ${style.outline_colour}`,
    });
  }

  /** The question, in the lines and the size that the engine found for it. @param {string} font @param {number} share */
  #placeHook(font, share) {
    const { hook, style } = this.look;
    this.hook.hidden = true;
    if (!hook) return;
    const line = hook.line_height;
    const text = h("span", { dir: "auto" }, ...hook.lines.flatMap((/** @type {string} */ words, /** @type {number} */ i) => (i > 0 ? [h("br"), words] : [words])));
    this.hook.replaceChildren(text);
    Object.assign(this.hook.style, { left: `${hook.place.x}px`, top: `${hook.place.y}px`, width: `${hook.place.width}px` });
    Object.assign(text.style, {
      fontFamily: font, fontWeight: style.bold ? "700" : "400", fontSize: `${line / share}px`, lineHeight: `${line}px`, background: hook.colour, color: readableOn(hook.colour),
      padding: `${QUESTION.above * line}px ${QUESTION.beside * line}px`, borderRadius: `${QUESTION.corner * line}px`,
    });
  }

  /** What is there at a second of the cut; nothing where it is null. @param {number | null} cut */
  at(cut) {
    const look = this.look;
    if (!look) return;
    const during = (/** @type {any} */ text) => cut !== null && !!text && cut >= text.start && cut < text.end;
    const isCard = cut !== null && look.card_from !== null && cut >= look.card_from;
    this.hook.hidden = !during(look.hook);
    this.mark.hidden = !during(look.mark_text);
    $("end-card").hidden = !isCard;
    this.#drawCue(cut === null ? -1 : cueAt(look.cues, cut));
    if (cut !== null && look.style.spoken_colour && this.words.length > 0) this.#light(cut);
  }

  /** @param {number} index */
  #drawCue(index) {
    if (index === this.shown) return;
    this.shown = index;
    this.spoken = -1;
    this.words = [];
    const lines = index < 0 ? [] : this.look.cues[index].lines;
    this.cue.replaceChildren(
      ...lines.map((/** @type {[string, number][]} */ line) => {
        const words = line.map(([text, start]) => {
          const element = h("span", { class: "cue-word" }, text);
          this.words.push({ element, start });
          return element;
        });
        return h("div", { dir: "auto" }, ...words.flatMap((word, i) => (i > 0 ? [" ", word] : [word])));
      }),
    );
  }

  /** @param {number} cut */
  #light(cut) {
    let spoken = 0;
    while (spoken + 1 < this.words.length && this.words[spoken + 1].start <= cut) spoken++;
    if (spoken === this.spoken) return;
    this.words[this.spoken]?.element.classList.remove("now");
    this.words[spoken].element.classList.add("now");
    this.spoken = spoken;
  }
}

/** The cue that stands at a second of the cut, or -1. @param {{start: number, end: number}[]} cues @param {number} at */
export function cueAt(cues, at) {
  let [low, high] = [0, cues.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cues[middle].start <= at) low = middle + 1;
    else high = middle;
  }
  return low > 0 && at < cues[low - 1].end ? low - 1 : -1;
}
