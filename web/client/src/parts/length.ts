/** How long a text is by the server's count: characters (code points), without the space around it. */
export const length = (text: string): number => [...text.trim()].length;

/** How many characters stand beyond the most that are taken; nothing is ever cut off for it. */
export const over = (text: string, most: number): number => Math.max(0, length(text) - most);
