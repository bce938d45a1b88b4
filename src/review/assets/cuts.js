// @ts-check
// What was made of the clip: each cut with a player and its place in the folder, and how far the rest is.

import { BASE } from "./base.js";
import { $, announce, h, sentence } from "./dom.js";
import { clock } from "./times.js";

/** @param {number} bytes */
function size(bytes) {
  const [unit, name] = bytes >= 1e9 ? [1e9, "GB"] : bytes >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
  return `${(bytes / unit).toFixed(1).replace(/\.0$/, "")} ${name}`;
}

/** @param {string} id @param {any} view ClipView @param {string} words of its state */
export function drawCuts(id, view, words) {
  const { card } = view;
  const made = card.cuts.filter((/** @type {any} */ cut) => !cut.failed).length;
  $("cuts-count").textContent = made > 0 ? String(made) : "";
  const progress = card.progress === null ? null : h("progress", { max: 100, value: Math.round(card.progress * 100), "aria-label": words });
  const failed = card.failed && h("div", { class: "failure" }, h("p", {}, h("strong", {}, sentence(card.failed[1].what))), h("p", {}, sentence(card.failed[1].advice)));
  const nothing = card.cuts.length === 0 && !failed ? h("p", { class: "soft" }, view.held ? "There are no cuts yet. They are made once the clip is approved." : "The cuts come here as they are finished.") : null;
  const back = view.held && made > 0 ? h("p", { class: "soft" }, "These were made before and are put aside in the folder “held”. They come back once the clip is approved as it was.") : null;
  $("work").replaceChildren(...[progress && h("p", {}, words), progress, failed, nothing, back].filter(Boolean));
  drawList(id, card.cuts, card.cover);
  const skipped = view.skipped.map((/** @type {[string, string]} */ [name, why]) => h("li", {}, h("strong", {}, name), `: ${sentence(why)}`));
  $("skipped").replaceChildren(...(skipped.length > 0 ? [h("h3", {}, "Left out"), h("ul", { class: "plain" }, ...skipped)] : []));
}

/** A cut that is there already keeps its player, which may be playing. @param {string} id @param {any[]} cuts @param {boolean} hasCover */
function drawList(id, cuts, hasCover) {
  const known = new Map([...$("cuts").children].map((element) => [element.dataset.print, element]));
  $("cuts").replaceChildren(...cuts.map((cut) => {
    const print = JSON.stringify(cut);
    return known.get(print) ?? drawCut(id, cut, print, hasCover);
  }));
}

/** @param {string} id @param {any} cut @param {string} print @param {boolean} hasCover */
function drawCut(id, cut, print, hasCover) {
  const box = h("article", { class: "cut", "data-cut": cut.platform, "data-print": print }, h("h3", {}, cut.platform_name));
  if (cut.failed) {
    box.append(h("div", { class: "failure" }, h("p", {}, h("strong", {}, sentence(cut.failed.what))), h("p", {}, sentence(cut.failed.advice))));
    return box;
  }
  const copy = h("button", { class: "button copy", type: "button", "aria-label": `Copy place of the cut for ${cut.platform_name}` }, "Copy place");
  copy.addEventListener("click", () => void copyPath(copy, cut.path));
  box.append(
    // Nothing is loaded before somebody plays it: a browser opens six connections at most, and saving needs one.
    h("video", { controls: true, preload: "none", poster: hasCover ? `${BASE}/media/${id}/cover` : null, playsinline: true, src: `${BASE}/media/${id}/cut/${encodeURIComponent(cut.platform)}`, "aria-label": `Cut for ${cut.platform_name}` }),
    h("p", { class: "soft small number" }, `${clock(cut.duration)} · ${size(cut.bytes)}`),
    h("p", { class: "path small" }, h("bdi", {}, cut.path)), copy,
  );
  return box;
}

/** @param {HTMLButtonElement} button @param {string} path */
async function copyPath(button, path) {
  try {
    await navigator.clipboard.writeText(path);
    button.textContent = "Copied";
    announce("Copied");
  } catch {
    // Without the right to write to the clipboard, the place is chosen so that Ctrl+C takes it.
    const shown = button.parentElement?.querySelector(".path bdi");
    if (shown) getSelection()?.selectAllChildren(shown);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (button.textContent = "Copy place"), 2000);
}
