// @ts-check
// The picture as it will be seen on a platform: plays what is kept and jumps over what is not, and shows the engine's own
// frame while it stands still.

import { BASE } from "./base.js";
import { $, h } from "./dom.js";
import { Overlay, put } from "./overlay.js";
import { pictureArea } from "./placing.js";
import { clipToCut, clock, cutToClip, keptLength, partAt, spokenClock } from "./times.js";

/** Quiet time before a frame is asked for, milliseconds: moving through the clip asks for none. */
const QUIET = 150;

/** A jump this close before the end of a part is made at once, seconds. */
const NEAR = 0.03;

/** How much of the blurred background lies beyond an edge of the canvas, of all of it; clip.css lays it so. */
const BEYOND = 0.15 / 1.3;

export class Stage {
  /**
   * @param {string} id @param {import("./store.js").Store} store
   * @param {(now: {clip: number, cut: number | null, playing: boolean}) => void} moved called for each picture
   * @param {(kept: [number, number][]) => void} shows called with the parts of the clip that the chosen platform shows
   */
  constructor(id, store, moved, shows) {
    this.id = id;
    this.store = store;
    this.moved = moved;
    this.shows = shows;
    this.overlay = new Overlay();
    this.video = $("video");
    this.position = $("position");
    /** Second of the clip; the closing card counts on in `card`. */
    this.clip = 0;
    /** Seconds into the closing card, or null. @type {number | null} */
    this.card = null;
    this.playing = false;
    this.part = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.frameTimer = undefined;
    /** The newest frame that was asked for. @type {HTMLImageElement | null} */
    this.frame = null;
    /** Another crop, while a person moves it and the day has not answered. @type {any} */
    this.placement = null;
    this.before = 0;
    this.#bind();
    this.refresh();
    const first = this.look.kept[0];
    this.seekClip(first ? first[0] : 0);
  }

  #bind() {
    const { video, position } = this;
    video.addEventListener("loadedmetadata", () => {
      $("no-view").hidden = true;
      if (video.currentTime !== this.clip) video.currentTime = this.clip;
      this.#place();
    });
    video.addEventListener("error", () => ($("no-view").hidden = false));
    video.addEventListener("seeked", () => this.#draw());
    video.addEventListener("loadeddata", () => this.#draw());
    video.addEventListener("ended", () => this.playing && this.card === null && this.#afterLastPart());
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("pause", () => {
      // The system paused it, not the page: another tab took the sound, or the cable came out.
      if (this.playing && !video.seeking && !video.ended && this.card === null) this.pause();
    });
    position.addEventListener("input", () => this.seekCut(Number(position.value)));
    $("play").addEventListener("click", () => this.toggle());
    $("back").addEventListener("click", () => this.step(-2));
    $("forward").addEventListener("click", () => this.step(2));
    $("platform").addEventListener("change", () => this.refresh());
    $("show-safe").addEventListener("change", () => ($("safe").hidden = !$("show-safe").checked));
    new ResizeObserver(() => this.#fit()).observe($("screen"));
  }

  /** The look of the chosen platform; of the clip as it is where no platform gets a cut. */
  get look() {
    const looks = this.store.view.looks;
    return looks.find((/** @type {any} */ look) => look.platform === $("platform").value) ?? looks[0] ?? this.#plain();
  }

  #plain() {
    const [width, height] = this.store.view.displayed;
    const whole = { x: 0, y: 0, width, height };
    const style = { fonts: [], bold: true, line_height: 48, outline: 4, colour: "#ffffff", outline_colour: "#101010", spoken_colour: null };
    return {
      platform: "", canvas: [width, height], safe: whole, kept: [[0, this.store.view.duration]], duration: this.store.view.duration,
      placement: { kind: "fill", crop: whole }, cues: [], caption_box: whole, style, hook: null, mark_text: null, logo: null, card_from: null,
    };
  }

  /** The clip was saved, or another platform was chosen. */
  refresh() {
    const { looks } = this.store.view;
    const select = $("platform");
    const wanted = select.value;
    const names = looks.map((/** @type {any} */ look) => look.platform).join();
    if (select.dataset.names !== names) {
      select.dataset.names = names;
      select.replaceChildren(...looks.map((/** @type {any} */ look) => h("option", { value: look.platform }, look.platform_name)));
      if (looks.some((/** @type {any} */ look) => look.platform === wanted)) select.value = wanted;
    }
    select.disabled = looks.length === 0;
    this.placement = null;
    const { look } = this;
    this.position.max = String(look.duration);
    put($("sheet"), { x: 0, y: 0, width: look.canvas[0], height: look.canvas[1] });
    this.overlay.show(look);
    this.shows(look.kept);
    this.#fit();
    this.#draw();
  }

  /** Shows another crop at once. @param {any} placement null: as it is saved */
  preview(placement) {
    this.placement = placement;
    this.#hideFrame();
    this.#place();
  }

  #fit() {
    const [width, height] = this.look.canvas;
    const room = $("screen").getBoundingClientRect();
    const scale = Math.min(room.width / width, room.height / height);
    Object.assign($("canvas").style, { width: `${width * scale}px`, height: `${height * scale}px` });
    $("sheet").style.transform = `scale(${scale})`;
  }

  get cut() {
    const { kept } = this.look;
    return this.card === null ? clipToCut(kept, this.clip) : keptLength(kept) + this.card;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    const { look } = this;
    const part = this.card === null ? partAt(look.kept, this.clip + NEAR) : null;
    if (part === null) this.seekCut(0);
    else if (this.clip < look.kept[part][0]) this.seekClip(look.kept[part][0]);
    this.part = part ?? 0;
    this.playing = true;
    this.#hideFrame();
    this.#label();
    this.video.play().catch(() => this.pause());
    requestAnimationFrame(() => this.#tick());
  }

  pause() {
    this.playing = false;
    this.video.pause();
    this.#label();
    this.#draw();
  }

  #label() {
    $("play").textContent = this.playing ? "Pause" : "Play";
  }

  #tick() {
    if (!this.playing) return;
    const { kept, duration } = this.look;
    const now = performance.now();
    if (this.card !== null) {
      this.card += (now - this.before) / 1000;
      if (keptLength(kept) + this.card >= duration) {
        this.card = Math.max(0, duration - keptLength(kept));
        this.pause();
        return;
      }
    } else if (!this.video.seeking) {
      this.clip = this.video.currentTime;
      const end = kept[this.part]?.[1] ?? Infinity;
      if (this.clip >= end - NEAR) this.#nextPart();
    }
    this.before = now;
    this.#draw();
    requestAnimationFrame(() => this.#tick());
  }

  #nextPart() {
    const next = this.look.kept[this.part + 1];
    if (!next) {
      this.#afterLastPart();
      return;
    }
    this.part++;
    // Parts that touch play on by themselves.
    if (next[0] - this.clip > 2 * NEAR) this.video.currentTime = next[0];
    this.clip = Math.max(this.clip, next[0]);
  }

  #afterLastPart() {
    const { kept, duration } = this.look;
    this.video.pause();
    if (duration - keptLength(kept) > 0.05) {
      this.card = 0;
      this.before = performance.now();
    } else {
      this.pause();
    }
  }

  /** @param {number} seconds */
  step(seconds) {
    const { cut } = this;
    if (cut === null) this.seekClip(this.clip + seconds);
    else this.seekCut(cut + seconds);
  }

  /** @param {number} cut second of the cut */
  seekCut(cut) {
    const { kept, duration } = this.look;
    const at = Math.min(Math.max(cut, 0), duration);
    const length = keptLength(kept);
    this.card = at > length ? at - length : null;
    const { clip, part } = cutToClip(kept, at);
    this.part = part;
    this.#seek(clip);
  }

  /** @param {number} clip second of the clip, kept or not */
  seekClip(clip) {
    this.card = null;
    this.part = partAt(this.look.kept, clip) ?? 0;
    this.#seek(Math.min(Math.max(clip, 0), this.store.view.duration));
  }

  /** @param {number} clip */
  #seek(clip) {
    this.clip = clip;
    if (this.playing && (this.card !== null || this.cut === null)) this.pause();
    this.#hideFrame();
    if (this.video.readyState > 0) this.video.currentTime = clip;
    this.#draw();
  }

  /** Everything that depends on the moment. */
  #draw() {
    const { cut, clip } = this;
    this.#place();
    this.overlay.at(cut);
    $("left-out").hidden = cut !== null || this.playing;
    if (cut === null && !this.playing) $("clock").textContent = "Not in the cut";
    if (cut !== null) {
      if (document.activeElement !== this.position || Math.abs(Number(this.position.value) - cut) > 0.1) this.position.value = String(cut);
      const words = `${clock(cut)} of ${clock(this.look.duration)}`;
      if ($("clock").textContent !== words) {
        $("clock").textContent = words;
        this.position.setAttribute("aria-valuetext", `${spokenClock(cut)} of ${spokenClock(this.look.duration)}`);
      }
    }
    this.moved({ clip, cut, playing: this.playing });
    if (!this.playing) this.#wantFrame();
  }

  #place() {
    const { look } = this;
    const placement = this.placement ?? look.placement;
    put(this.video, pictureArea(placement, this.store.view.displayed, look.canvas, this.cut ?? 0));
    const blur = $("blur");
    blur.hidden = placement.kind !== "fit";
    if (placement.kind !== "fit" || this.video.readyState < 2) return;
    const context = blur.getContext("2d");
    const [width, height] = this.store.view.displayed;
    const side = Math.min(width / look.canvas[0], height / look.canvas[1]);
    const [w, tall] = [look.canvas[0] * side * (this.video.videoWidth / width), look.canvas[1] * side * (this.video.videoHeight / height)];
    const part = /** @type {const} */ ([(this.video.videoWidth - w) / 2, (this.video.videoHeight - tall) / 2, w, tall]);
    // What lies beyond the canvas only feeds the blur at its edges.
    const [left, top] = [blur.width * BEYOND, blur.height * BEYOND];
    context?.drawImage(this.video, ...part, 0, 0, blur.width, blur.height);
    context?.drawImage(this.video, ...part, left, top, blur.width - 2 * left, blur.height - 2 * top);
  }

  /** The engine's frame of this moment, once nothing has moved for a while and everything is saved. */
  #wantFrame() {
    clearTimeout(this.frameTimer);
    const { cut, look } = this;
    if (cut === null || look.platform === "" || this.placement !== null || !this.store.isSaved) return;
    this.frameTimer = setTimeout(() => this.#askFrame(look, Math.min(cut, Math.max(0, look.duration - 0.05))), QUIET);
  }

  /** @param {any} look @param {number} cut */
  #askFrame(look, cut) {
    // The version is in the address so that a browser never shows the frame of another one.
    const query = new URLSearchParams({ platform: look.platform, at: cut.toFixed(3), version: this.store.view.version });
    const address = `${BASE}/media/${this.id}/frame?${query}`;
    if (this.frame?.dataset.address === address) return;
    const frame = /** @type {HTMLImageElement} */ (h("img", { id: "frame", alt: "", "data-address": address }));
    if (this.frame && !this.frame.isConnected) this.frame.src = "";
    this.frame = frame;
    frame.addEventListener("load", () => {
      if (this.frame !== frame || this.playing) return;
      $("frames").replaceChildren(frame);
      requestAnimationFrame(() => frame.classList.add("shown"));
    });
    frame.src = address;
  }

  #hideFrame() {
    clearTimeout(this.frameTimer);
    if (this.frame && !this.frame.isConnected) this.frame.src = "";
    this.frame = null;
    $("frames").replaceChildren();
  }

  /** Something was changed that the frame does not show yet. */
  outdated() {
    if (!this.store.isSaved) this.#hideFrame();
  }

  /** The viewing copy came into being. */
  reload() {
    if (this.video.readyState === 0) this.video.load();
  }

  nextPlatform() {
    const select = $("platform");
    if (select.options.length === 0) return;
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    this.refresh();
  }
}
