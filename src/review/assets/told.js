// @ts-check
// What the day tells while the page is open, and whether it still does.

import { BASE } from "./base.js";

/** Pause before another try where the browser gave up, milliseconds. */
const PAUSE = 3000;

/**
 * @param {{card?: (told: {card: any, html: string}) => void, gone?: (told: {id: string}) => void,
 *   changed?: (told: {id: string, version: string}) => void, day?: (told: {problem: any}) => void,
 *   row?: (told: {row: any, html: string}) => void, root?: (told: {html: string}) => void,
 *   connection: (state: "on" | "lost", before: "on" | "lost" | "waiting") => void}} hear
 */
export function listen(hear) {
  /** @type {"on" | "lost" | "waiting"} */
  let state = "waiting";
  const now = (/** @type {"on" | "lost"} */ next) => {
    if (next === state) return;
    const before = state;
    state = next;
    document.body.dataset.connection = next;
    hear.connection(next, before);
  };
  const connect = () => {
    const source = new EventSource(`${BASE}/api/told`);
    source.addEventListener("open", () => now("on"));
    source.addEventListener("error", () => {
      now("lost");
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      setTimeout(connect, PAUSE);
    });
    for (const name of /** @type {const} */ (["card", "gone", "changed", "day", "row", "root"])) {
      const run = hear[name];
      if (run) source.addEventListener(name, (event) => run(JSON.parse(event.data)));
    }
    addEventListener("pagehide", () => source.close(), { once: true });
  };
  connect();
  // A page that comes back out of the browser's memory has missed what was told meanwhile.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

/** What is said while there is no connection. */
export const LOST = "No connection to Housecall. What you see may be old. Look whether it still runs on this computer; this page goes on by itself.";
