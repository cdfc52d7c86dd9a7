import { promisify } from "node:util";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(js|css|html|svg|json|mjs)$/;
// A text below this does not become smaller on the wire: one packet either way.
const LEAST = 1000;

/** Writes a `.br` and a `.gz` beside each text of the build: the server sends them as they are. */
export function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      await walk("dist");
    },
  };
}

async function walk(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await walk(path);
    } else if (TEXT.test(entry.name)) {
      await squeeze(path);
    }
  }
}

async function squeeze(path: string): Promise<void> {
  const data = await readFile(path);
  if (data.length < LEAST) return;
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(data, quality));
  await writeFile(`${path}.gz`, await promisify(gzip)(data, { level: 9 }));
}
