/** Fetches our own Chinese letters where the machine has none of the fonts that `--font` names before them. */
export async function fetchFonts(): Promise<void> {
  const names = getComputedStyle(document.documentElement).getPropertyValue("--font").split('"Tongping Words"')[0]?.match(/"[^"]+"/g) ?? [];
  const local = names.map((name) => new FontFace("local", `local(${name})`).load());
  await Promise.any(local).catch(() => import("./fonts.css"));
}
