/**
 * The words' own letters: every slice of Noto Sans SC, cut down to the characters that the client's sources use.
 *
 * A machine with a Chinese font of its own fetches none of it; one without fetches a few kilobytes for what is on the
 * page, in place of a slice of a hundred characters for each. Names in documents still come from the whole slices.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import subsetFont from "subset-font";

const FONT = "node_modules/@fontsource-variable/noto-sans-sc";
const OUT = "src/design/generated";
const FACE = /src: url\(\.\/files\/(\S+?)\)[^}]*?unicode-range: ([^;]+);/g;

/** ASCII, and every character that stands in any source, comments included: a few too many do no harm. */
async function used(folder: string): Promise<Set<number>> {
  const found = new Set(Array.from({ length: 0x7f - 0x20 }, (_, n) => 0x20 + n));
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.(ts|vue)$/.test(entry.name) || entry.parentPath.includes("generated")) continue;
    for (const character of await readFile(join(entry.parentPath, entry.name), "utf8")) {
      const code = character.codePointAt(0) ?? 0;
      if (code > 0x7f) found.add(code);
    }
  }
  return found;
}

function covers(range: string): (code: number) => boolean {
  const parts = range.split(",").map((part) => {
    const [from = "", to = from] = part.trim().replace("U+", "").split("-");
    return [parseInt(from, 16), parseInt(to, 16)] as const;
  });
  return (code) => parts.some(([from, to]) => from <= code && code <= to);
}

const codes = [...(await used("src"))].sort((a, b) => a - b);
await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const faces: string[] = [];
for (const [, file = "", range = ""] of (await readFile(`${FONT}/index.css`, "utf8")).matchAll(FACE)) {
  const ours = codes.filter(covers(range));
  if (ours.length === 0) continue;
  const font = await readFile(`${FONT}/files/${file}`);
  const cut = await subsetFont(font, String.fromCodePoint(...ours), {
    targetFormat: "woff2",
    variationAxes: { wght: { min: 400, max: 700 } },
  });
  await writeFile(join(OUT, file), cut);
  const listed = ours.map((code) => `U+${code.toString(16)}`).join(",");
  faces.push(
    `@font-face{font-family:"Tongping Words";font-display:swap;font-weight:400 700;` +
      `src:url(./${file}) format("woff2");unicode-range:${listed}}`,
  );
}
await writeFile(join(OUT, "words.css"), `${faces.join("\n")}\n`);
