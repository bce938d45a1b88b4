// @ts-check
// Single keys: what they do, the list of them, and the switch that turns them off.

import { $, h, isWriting } from "./dom.js";

/** @typedef {{keys: string[], shown: string, words: string, run: (event: KeyboardEvent) => void, writing?: boolean}} Binding */

const SWITCH = "housecall:keys";

/** Whether single keys are used. */
function isOn() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

/** A key press as bindings name it: `Ctrl+Shift+Z`, `n`, `N`, `ArrowLeft`. @param {KeyboardEvent} event */
function nameOf(event) {
  const key = event.key.length === 1 && event.shiftKey ? event.key : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!event.ctrlKey && !event.metaKey) return key;
  return `Ctrl+${event.shiftKey ? "Shift+" : ""}${key.length === 1 ? key.toUpperCase() : key}`;
}

/** @param {Binding[]} bindings */
export function bindKeys(bindings) {
  const dialog = $("keys");
  const all = [...bindings, { keys: ["?"], shown: "?", words: "these keys", run: () => dialog.showModal() }];
  $("keys-list").replaceChildren(...all.map(({ shown, words }) => h("div", {}, h("dt", {}, ...chips(shown)), h("dd", {}, words))));
  $("keys-button").addEventListener("click", () => dialog.showModal());
  const on = $("keys-on");
  on.checked = isOn();
  on.addEventListener("change", () => {
    try {
      localStorage.setItem(SWITCH, on.checked ? "on" : "off");
    } catch {
      // Without storage the switch holds for as long as the page is open.
    }
  });
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const name = nameOf(event);
    const writing = isWriting(event.target);
    const binding = all.find(({ keys, writing: also }) => keys.includes(name) && (!writing || also));
    if (!binding || (!on.checked && !name.startsWith("Ctrl+"))) return;
    // Space and Enter belong to the button or link that has the focus.
    if ((name === " " || name === "Enter") && event.target instanceof Element && event.target.closest("button, a, summary, input, [role=tab]")) {
      if (!event.target.closest(".word")) return;
    }
    event.preventDefault();
    binding.run(event);
  });
}

/** @param {string} shown */
function chips(shown) {
  return shown.split(" ").flatMap((key, i) => (i > 0 ? [" ", h("kbd", {}, key)] : [h("kbd", {}, key)]));
}
