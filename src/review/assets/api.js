// @ts-check
// Questions to the server. Every one that changes something carries the header that only a page of this server can send.

import { BASE } from "./base.js";

/** Why something was not done. */
export class Refused extends Error {
  /** @param {number} status 0: no answer @param {any} said */
  constructor(status, said) {
    const { what, advice } = said ?? {};
    super(what ?? words(status));
    this.status = status;
    this.what = what ?? words(status);
    this.advice = advice ?? advices(status);
    /** The clip as it is now, where somebody else saved first. */
    this.conflict = said?.conflict ?? null;
  }
}

/** @param {number} status */
function words(status) {
  if (status === 0) return "Housecall does not answer";
  if (status === 401) return "This page is not signed in any more";
  if (status === 404) return "The clip is not there any more";
  if (status === 409) return "Somebody else changed this clip";
  return `Housecall answered with an error (${status})`;
}

/** @param {number} status */
function advices(status) {
  if (status === 0) return "Look whether it still runs on this computer; what you wrote is kept here meanwhile";
  if (status === 401) return "Open the address that Housecall printed when it started";
  return "Load this page again";
}

/**
 * @param {"GET" | "PUT" | "POST"} method @param {string} address without what stands before those of the practice @param {any} [body] @param {{keepalive?: boolean, signal?: AbortSignal}} [how]
 * @returns {Promise<any>} what it answered
 */
export async function ask(method, address, body, how = {}) {
  /** @type {RequestInit} */
  const request = { method, credentials: "same-origin", cache: "no-store", ...how };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json", "X-Housecall": "page" };
  }
  let answer;
  try {
    answer = await fetch(BASE + address, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(0, null);
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, said);
  if (said === null) throw new Refused(0, null);
  return said;
}
