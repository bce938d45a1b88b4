// @ts-check
// Characters as a reader counts them, and what a platform takes. Pure.

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * Characters as a reader counts them: a flag or an accented letter is one.
 * @param {string} text
 */
export function characters(text) {
  // Most texts are plain, and a segmenter takes a while for long ones. A line end of two characters counts as one.
  if (/^[\x20-\x7e\n]*$/.test(text)) return text.length;
  let count = 0;
  for (const _ of segmenter.segment(text)) count++;
  return count;
}

/**
 * Hashtags of a text.
 * @param {string} text
 */
export function hashtags(text) {
  return (text.match(/(?:^|\s)#[\p{L}\p{N}_]+/gu) ?? []).length;
}

/**
 * `120 of 2,200 characters`, and what is too much.
 * @param {string} text @param {number | null} most @param {number | null} [mostHashtags]
 * @returns {{words: string, over: boolean}}
 */
export function counted(text, most, mostHashtags = null) {
  const count = characters(text);
  const tags = hashtags(text);
  const number = (/** @type {number} */ n) => n.toLocaleString("en");
  const parts = [most === null ? `${number(count)} characters` : `${number(count)} of ${number(most)} characters`];
  if (mostHashtags !== null) parts.push(`${tags} of ${mostHashtags} hashtags`);
  const tooMany = most === null ? 0 : count - most;
  const tooManyTags = mostHashtags === null ? 0 : tags - mostHashtags;
  if (tooMany > 0) parts.push(`${number(tooMany)} too many`);
  if (tooManyTags > 0) parts.push(`${tooManyTags} hashtags too many`);
  return { words: parts.join(" · "), over: tooMany > 0 || tooManyTags > 0 };
}

/**
 * What a platform would not take of these posts, one sentence without a stop for each title or text.
 * @param {{platform_name: string, title: string | null, text: string, most_title: number | null, most_text: number | null, most_hashtags: number | null}[]} posts
 * @returns {string[]}
 */
export function beyond(posts) {
  return posts.flatMap((post) => {
    const title = { what: "Title", ...counted(post.title ?? "", post.most_title) };
    const text = { what: "Text", ...counted(post.text, post.most_text, post.most_hashtags) };
    return [title, text].filter(({ over }) => over).map(({ what, words }) => `${what} on ${post.platform_name} is too long (${words})`);
  });
}
