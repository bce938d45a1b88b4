// @ts-check
// The page of the day: cards that stay true by themselves, the choice of which are shown, and the way between them by keys.

import { ask } from "./api.js";
import { BASE } from "./base.js";
import { $, announce, isWriting, say, sentence } from "./dom.js";
import { bindKeys } from "./keys.js";
import { LOST, listen } from "./told.js";

/** Which states belong to a choice of the filter. @type {Record<string, string[]>} */
const GROUPS = {
  look: ["needs-a-look"], work: ["copying", "waiting", "transcribing", "approved", "rendering"], done: ["done"], failed: ["failed"],
};

const list = $("cards");

/** @returns {HTMLElement[]} */
const cards = () => [...list.children];

/** @param {HTMLElement} card @param {string} group */
const belongs = (card, group) => group === "all" || GROUPS[group].includes(card.dataset.state ?? "");

const chosenGroup = () => /** @type {HTMLInputElement} */ (document.querySelector("#filter input:checked")).value;

/** `3 of 12 need a look`; `pages.rs` has the same words. @param {number} waiting @param {number} all */
function needs(waiting, all) {
  if (all === 0) return "No clips yet";
  if (waiting === 0) return "Nothing needs a look now";
  return `${waiting} of ${all} ${waiting === 1 ? "needs" : "need"} a look`;
}

/** Counts, filter and what leads on, after cards changed. */
function count() {
  const all = cards();
  for (const group of ["all", ...Object.keys(GROUPS)]) {
    const shown = /** @type {HTMLElement} */ (document.querySelector(`[data-count="${group}"]`));
    const words = String(all.filter((card) => belongs(card, group)).length);
    if (shown.textContent !== words) shown.textContent = words;
  }
  const waiting = all.filter((card) => belongs(card, "look"));
  const words = needs(waiting.length, all.length);
  if ($("needs").textContent !== words) $("needs").textContent = words;
  $("next-look").hidden = waiting.length === 0;
  if (waiting[0]) $("next-look").href = `${BASE}/clip/${waiting[0].dataset.card}`;
  $("empty").hidden = all.length > 0;
  $("day").hidden = all.length === 0;
  filter();
}

function filter() {
  const group = chosenGroup();
  // A card that somebody is at does not vanish under them.
  for (const card of cards()) card.hidden = !belongs(card, group) && !card.contains(document.activeElement);
  $("none-shown").hidden = cards().some((card) => !card.hidden) || cards().length === 0;
}

/** A card as the server drew it. @param {string} html @returns {HTMLElement} */
function drawn(html) {
  return /** @type {HTMLElement} */ (new DOMParser().parseFromString(html, "text/html").querySelector("li.card"));
}

/** Puts a card in its place, and touches only the parts that changed: focus and pictures stay. @param {any} card @param {string} html */
function take(card, html) {
  const fresh = document.adoptNode(drawn(html));
  const known = document.getElementById(`card-${card.id}`);
  if (!known) {
    const name = names.compare;
    const after = cards().find((other) => name(fileOf(other), fileOf(fresh)) > 0);
    list.insertBefore(fresh, after ?? null);
    return;
  }
  const wasAt = known.dataset.state;
  known.dataset.state = fresh.dataset.state;
  for (const part of known.querySelectorAll("[data-part]")) {
    const other = fresh.querySelector(`[data-part="${/** @type {HTMLElement} */ (part).dataset.part}"]`);
    if (other && !part.isEqualNode(other)) swap(part, other);
  }
  if (wasAt !== "needs-a-look" && card.state === "needs-a-look") announce(`${card.question ?? card.name} needs a look`);
}

const names = new Intl.Collator(undefined, { numeric: true });

/** @param {HTMLElement} card */
const fileOf = (card) => card.querySelector(".file bdi")?.textContent ?? "";

/** @param {Element} part @param {Element} other */
function swap(part, other) {
  const bars = [part.querySelector("progress"), other.querySelector("progress")];
  if (bars[0] && bars[1]) {
    bars[0].value = bars[1].value;
    bars[0].setAttribute("aria-label", bars[1].getAttribute("aria-label") ?? "");
    return;
  }
  const hadFocus = part.contains(document.activeElement);
  part.replaceWith(other);
  if (hadFocus) /** @type {HTMLElement | null} */ (other.querySelector(".open"))?.focus({ preventScroll: true });
}

/** To another card. @param {number} by */
function move(by) {
  const shown = cards().filter((card) => !card.hidden);
  const here = shown.findIndex((card) => card.contains(document.activeElement));
  const next = shown[here < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(here + by, 0), shown.length - 1)];
  /** @type {HTMLElement | null | undefined} */ (next?.querySelector(".open"))?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** How many cards stand side by side. */
function across() {
  const shown = cards().filter((card) => !card.hidden);
  const top = shown[0]?.offsetTop;
  return Math.max(1, shown.filter((card) => card.offsetTop === top).length);
}

list.addEventListener("click", (/** @type {MouseEvent} */ event) => {
  // The whole card leads to its clip, as long as nobody is choosing text in it.
  if (!(event.target instanceof Element) || event.target.closest("a") || String(getSelection()) !== "") return;
  /** @type {HTMLElement | null | undefined} */ (event.target.closest("li.card")?.querySelector("a.open"))?.click();
});
$("filter").addEventListener("change", filter);

const arrows = (/** @type {number} */ by) => (/** @type {KeyboardEvent} */ event) => {
  if (!isWriting(event.target) && !(event.target instanceof HTMLInputElement)) move(by);
};
bindKeys([
  { keys: ["j"], shown: "j →", words: "next clip", run: arrows(1) },
  { keys: ["k"], shown: "k ←", words: "clip before", run: arrows(-1) },
  { keys: ["n"], shown: "n", words: "open the next clip that needs a look", run: () => !$("next-look").hidden && $("next-look").click() },
  { keys: ["Enter"], shown: "Enter", words: "open the clip", run: () => {} },
]);
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || !list.contains(document.activeElement)) return;
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across(), ArrowUp: -across() }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  move(by);
});

let counting = 0;
/** Many cards that are told at once are counted once. */
function countSoon() {
  cancelAnimationFrame(counting);
  counting = requestAnimationFrame(count);
}

/** @param {{what: string, advice: string} | null} problem */
function showProblem(problem) {
  const section = $("day-problem");
  section.hidden = !problem;
  if (!problem) return;
  const [what, meanwhile] = [document.createElement("strong"), document.createElement("p")];
  what.textContent = sentence(problem.what);
  meanwhile.className = "soft";
  meanwhile.textContent = section.dataset.meanwhile ?? "";
  const lines = [what, sentence(problem.advice)].map((part) => {
    const line = document.createElement("p");
    line.append(part);
    return line;
  });
  section.replaceChildren(...lines, meanwhile);
}

/** After a pause: clips that went away meanwhile were told to nobody. */
async function sweep() {
  const day = await ask("GET", "/api/day").catch(() => null);
  if (!day) return;
  const there = new Set(day.clips.map((/** @type {any} */ clip) => clip.id));
  for (const card of cards()) if (!there.has(card.dataset.card)) card.remove();
  showProblem(day.problem);
  countSoon();
}

listen({
  card: ({ card, html }) => {
    take(card, html);
    countSoon();
  },
  gone: ({ id }) => {
    document.getElementById(`card-${id}`)?.remove();
    countSoon();
  },
  day: ({ problem }) => showProblem(problem),
  connection: (state, before) => {
    say($("connection"), state === "lost" ? LOST : "");
    if (state === "on" && before === "lost") void sweep();
  },
});
count();
document.documentElement.dataset.ready = "";
