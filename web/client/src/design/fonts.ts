let fetching: Promise<void> | null = null;

/** Fetches our own Chinese letters where the machine has none of the fonts that `--font` names before them. */
export function fetchFonts(): Promise<void> {
  fetching ??= fetchMissing();
  return fetching;
}

async function fetchMissing(): Promise<void> {
  const names = getComputedStyle(document.documentElement).getPropertyValue("--font").split('"Tongping Words"')[0]?.match(/"[^"]+"/g) ?? [];
  const local = names.map((name) => new FontFace("local", `local(${name})`).load());
  await Promise.any(local).catch(() => import("./fonts.css"));
}

/** The page's own fonts, for what is drawn. */
export const family = (): string => getComputedStyle(document.documentElement).getPropertyValue("--font");

/** Letters that come later than this are not waited for. */
const PATIENCE_MS = 2000;

/** Fetches the letters of a text that is about to be drawn: a canvas draws boxes in their place, and does not draw anew. */
export async function fetchLetters(text: string): Promise<void> {
  const fetched = fetchFonts().then(() => document.fonts.load(`16px ${family()}`, text));
  await Promise.race([fetched, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]).catch(() => undefined);
}
