// @ts-check
// What is not saved yet, kept in the browser until the day has it: a closed tab or a crash loses nothing.

import { BASE } from "./base.js";

/** @typedef {{version: string, captions: [number, number, string][] | null, choices: any, at: number}} Draft */

/** @param {string} id */
const key = (id) => `housecall:draft:${BASE}${BASE && ":"}${id}`;

/** @param {string} id @param {Omit<Draft, "at">} draft */
export function keepDraft(id, draft) {
  try {
    localStorage.setItem(key(id), JSON.stringify({ ...draft, at: Date.now() }));
  } catch {
    // A browser that keeps nothing (private windows, full disk) saves all the same.
  }
}

/** @param {string} id @returns {Draft | null} */
export function draftOf(id) {
  try {
    const found = JSON.parse(localStorage.getItem(key(id)) ?? "null");
    return found && typeof found.version === "string" ? found : null;
  } catch {
    return null;
  }
}

/** @param {string} id */
export function dropDraft(id) {
  try {
    localStorage.removeItem(key(id));
  } catch {
    // As above.
  }
}
