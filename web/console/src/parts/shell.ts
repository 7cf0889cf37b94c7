/** Commands that can be typed as they are shown. */

/** One word of a shell, whatever is in it. */
export const quoted = (word: string): string =>
  /^[\w.@/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
