// @ts-check
// What a person chose for a clip, and what stands where they chose nothing. Pure.

/** @typedef {{title?: string | null, text?: string | null}} Post */
/**
 * @typedef {{question?: string | null, hook?: string | null, start?: number | null, end?: number | null,
 *   anchor?: [number, number] | null, cover?: number | null, posts?: Record<string, Post>}} Choices
 */

const SINGLE = /** @type {const} */ (["question", "hook", "start", "end", "anchor", "cover"]);

/** @param {unknown} a @param {unknown} b */
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/**
 * What was chosen, without what would stand anyway, and with its keys in one order: two of them are equal as JSON where they say the same.
 * @param {Choices} choices @param {Choices} defaults @returns {Choices}
 */
export function chosen(choices, defaults) {
  /** @type {Choices} */
  const kept = {};
  for (const key of SINGLE) {
    const value = choices[key];
    if (value !== null && value !== undefined && !same(value, defaults[key])) Object.assign(kept, { [key]: value });
  }
  /** @type {Record<string, Post>} */
  const posts = {};
  for (const platform of Object.keys(choices.posts ?? {}).sort()) {
    /** @type {Post} */
    const post = {};
    for (const key of /** @type {const} */ (["title", "text"])) {
      const value = choices.posts?.[platform]?.[key];
      if (value !== null && value !== undefined && value !== defaults.posts?.[platform]?.[key]) post[key] = value;
    }
    if (Object.keys(post).length > 0) posts[platform] = post;
  }
  if (Object.keys(posts).length > 0) kept.posts = posts;
  return kept;
}

/**
 * Choices with one of them changed; null gives it back to the program.
 * @param {Choices} choices @param {"question" | "hook" | "start" | "end" | "anchor" | "cover"} key @param {any} value @returns {Choices}
 */
export function withChoice(choices, key, value) {
  return { ...choices, [key]: value };
}

/**
 * Choices with a post's title or text changed; null gives it back to the program.
 * @param {Choices} choices @param {string} platform @param {"title" | "text"} key @param {string | null} value @returns {Choices}
 */
export function withPost(choices, platform, key, value) {
  return { ...choices, posts: { ...choices.posts, [platform]: { ...choices.posts?.[platform], [key]: value } } };
}
