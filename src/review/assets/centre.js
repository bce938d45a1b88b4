// @ts-check
// The page of the practices: rows that stay true by themselves, those that somebody has to look at first, and the way to
// one by its name.

import { ask } from "./api.js";
import { $, announce, say } from "./dom.js";
import { bindKeys } from "./keys.js";
import { LOST, listen } from "./told.js";

const list = $("practices");

/** @returns {HTMLElement[]} */
const rows = () => [...list.children];

/** @param {HTMLElement} row */
const rankOf = (row) => Number(row.dataset.rank);

const names = new Intl.Collator(undefined, { numeric: true });

/** @param {HTMLElement} a @param {HTMLElement} b */
const order = (a, b) => rankOf(a) - rankOf(b) || names.compare(a.dataset.practice ?? "", b.dataset.practice ?? "");

/** Clips of each practice that need a look, and all. @type {Map<string, {look: number, all: number}>} */
const counts = new Map();

/** Parts of a template as the server drew it. @param {string} html @returns {HTMLElement[]} */
const drawn = (html) => [.../** @type {any} */ (new DOMParser().parseFromString(html, "text/html").body.children)];

/** Puts what changed into its row; focus stays. @param {any} row @param {string} html */
function take(row, html) {
  const fresh = /** @type {HTMLElement} */ (document.adoptNode(drawn(html)[0]));
  counts.set(row.id, row.clips);
  const known = rows().find((other) => other.dataset.practice === row.id);
  if (known?.isEqualNode(fresh)) return;
  const hadFocus = known?.contains(document.activeElement);
  const before = known?.dataset.state;
  if (known) known.replaceWith(fresh);
  else list.append(fresh);
  if (hadFocus) /** @type {HTMLElement | null} */ (fresh.querySelector(".open"))?.focus({ preventScroll: true });
  if (known && before !== "needs-a-look" && fresh.dataset.state === "needs-a-look") announce(`${row.name}: a clip needs a look`);
  settleSoon();
}

let settling = 0;
/** Many rows that are told at once are put in order once. */
function settleSoon() {
  cancelAnimationFrame(settling);
  settling = requestAnimationFrame(settle);
}

/** Order, counts, and which rows are shown. */
function settle() {
  // Nothing moves away under a finger.
  if (!list.matches(":hover")) sort();
  filter();
  let [look, all] = [0, 0];
  for (const row of rows()) {
    const count = counts.get(row.dataset.practice ?? "");
    look += count?.look ?? 0;
    all += count?.all ?? 0;
  }
  // `pages.rs` has the same words.
  const words = all === 0 ? "No clips yet" : look === 0 ? "Nothing needs a look now" : `${look} of ${all} ${look === 1 ? "needs" : "need"} a look`;
  if ($("needs").textContent !== words) $("needs").textContent = words;
  const many = `${rows().length} ${rows().length === 1 ? "practice" : "practices"}`;
  if ($("many").textContent !== many) $("many").textContent = many;
}

function sort() {
  const wanted = rows().sort(order);
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const held = focused && list.contains(focused) ? focused : null;
  wanted.forEach((row, at) => {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  });
  if (held && document.activeElement !== held) held.focus({ preventScroll: true });
}

function filter() {
  const wanted = $("find").value.trim().toLocaleLowerCase();
  for (const row of rows()) {
    const text = `${row.querySelector(".open")?.textContent ?? ""} ${row.dataset.practice}`.toLocaleLowerCase();
    row.hidden = wanted !== "" && !text.includes(wanted) && !row.contains(document.activeElement);
  }
  $("none-shown").hidden = rows().length === 0 || rows().some((row) => !row.hidden);
}

$("find").addEventListener("input", filter);
list.addEventListener("pointerleave", settleSoon);

/** @param {number} by */
function move(by) {
  const shown = rows().filter((row) => !row.hidden);
  const here = shown.findIndex((row) => row.contains(document.activeElement));
  const next = shown[here < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(here + by, 0), shown.length - 1)];
  /** @type {HTMLElement | null | undefined} */ (next?.querySelector(".open"))?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

bindKeys([
  { keys: ["j"], shown: "j", words: "next practice", run: () => move(1) },
  { keys: ["k"], shown: "k", words: "practice before", run: () => move(-1) },
  { keys: ["/"], shown: "/", words: "find a practice", run: () => $("find").focus() },
  { keys: ["Enter"], shown: "Enter", words: "open the practice", run: () => {} },
]);

/** After a pause: practices that went away meanwhile were told to nobody. */
async function sweep() {
  const centre = await ask("GET", "/api/practices").catch(() => null);
  if (!centre) return;
  const there = new Set(centre.practices.map((/** @type {any} */ row) => row.id));
  for (const row of rows()) if (!there.has(row.dataset.practice)) row.remove();
  settleSoon();
}

listen({
  row: ({ row, html }) => take(row, html),
  gone: ({ id }) => {
    rows().find((row) => row.dataset.practice === id)?.remove();
    settleSoon();
  },
  root: ({ html }) => $("about-root").replaceChildren(...drawn(html).map((part) => document.adoptNode(part))),
  connection: (state, before) => {
    say($("connection"), state === "lost" ? LOST : "");
    if (state === "on" && before === "lost") void sweep();
  },
});
document.documentElement.dataset.ready = "";
