/**
 * PDFs on the seat's own screen: pdf.js with scripting, XFA, WebAssembly and eval off, its worker and its tables of
 * Chinese character codes from our own server. Loaded when the first document is opened.
 */
import type { PDFDocumentProxy, PDFPageProxy, PDFWorker } from "pdfjs-dist";
import { asset } from "../../api/asset.ts";
import { letters, watermark } from "../../screens/watermark.ts";

const CMAPS = import.meta.glob<string>("../../../node_modules/pdfjs-dist/cmaps/*.bcmap", {
  eager: true,
  query: "?url",
  import: "default",
});
const FONTS = import.meta.glob<string>("../../../node_modules/pdfjs-dist/standard_fonts/*.{pfb,ttf}", {
  eager: true,
  query: "?url",
  import: "default",
});
const FILES = new Map(
  [...Object.entries(CMAPS), ...Object.entries(FONTS)].map(([path, url]) => [path.slice(path.lastIndexOf("/") + 1), url]),
);

/** Hands pdf.js its tables from the build, where each has the hash of its content in its name. */
class Files {
  async fetch({ filename }: { kind: string; filename: string }): Promise<Uint8Array> {
    const url = FILES.get(filename);
    if (url === undefined) throw new Error(`no file ${filename}`);
    return asset(url);
  }
}

/** What pdf.js asks for at once; a Blob on disk gives it in a millisecond. */
const CHUNK = 1 << 18;
/** Octets of a file that pdf.js may keep. */
const KEPT = 8 << 20;

export type Trouble = "encrypted" | "broken";

export class PdfRefused extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble);
    this.trouble = trouble;
  }
}

/** What was received cannot be read on this device any more. */
export class PaperLost extends Error {
  readonly code = "paper-lost";
}

/** Chromium refuses to read a large Blob now and then, and reads it a moment later (docs/measurements.md). */
const AGAIN_MS = [50, 200, 1000, 3000, 10_000];

async function part(file: Blob, begin: number, end: number): Promise<Uint8Array> {
  for (const wait of AGAIN_MS) {
    try {
      return new Uint8Array(await file.slice(begin, end).arrayBuffer());
    } catch {
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return new Uint8Array(await file.slice(begin, end).arrayBuffer());
}

/** pdf.js 6 takes for granted what came with Chromium 119; ours begins at 109, and gets the rest from core-js. */
const OLDER = !("withResolvers" in Promise);

let library: Promise<{ pdfjs: typeof import("pdfjs-dist"); worker: PDFWorker }> | undefined;

/** One worker for all documents, handed to each of them: a document that made its own would take it away from the others when it is closed. */
async function load(): Promise<{ pdfjs: typeof import("pdfjs-dist"); worker: PDFWorker }> {
  if (OLDER) await import("core-js/actual");
  const [pdfjs, { default: address }] = await Promise.all([
    import("pdfjs-dist/legacy/build/pdf.mjs") as Promise<typeof import("pdfjs-dist")>,
    OLDER ? import("./older.worker.ts?worker&url") : import("pdfjs-dist/legacy/build/pdf.worker.min.mjs?url"),
  ]);
  return { pdfjs, worker: pdfjs.PDFWorker.create({ port: new Worker(ours(address), { type: "module" }) }) };
}

/** Trusted Types: the Content-Security-Policy takes a worker's address from a policy only, and this one knows one file. */
function ours(address: string): URL {
  const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): Policy } };
  const policy = trustedTypes?.createPolicy("tongping-pdf", {
    createScriptURL: (url: string) => {
      if (url !== address || !url.startsWith("/assets/")) throw new TypeError("not the worker of this build");
      return url;
    },
  });
  return policy?.createScriptURL(address) ?? new URL(address, location.href);
}

interface Policy {
  createScriptURL(url: string): URL;
}

/**
 * One document. pdf.js keeps every part of a file that it was handed until the file is closed, and reads a page's
 * pictures to find its words; so past a limit the file is opened anew, and a large one is never in memory as a whole.
 */
export class Pdf {
  readonly #file: Blob;
  #handed = 0;
  #open: Promise<PDFDocumentProxy>;
  #pages = 0;
  readonly #lost: Promise<never>;
  #lose: (error: PaperLost) => void = () => undefined;

  private constructor(file: Blob) {
    this.#file = file;
    this.#lost = new Promise((_, reject) => (this.#lose = reject));
    this.#lost.catch(() => undefined);
    this.#open = this.#begin();
  }

  /** PdfRefused says in one word why a file cannot be opened; PaperLost: it cannot be read. */
  static async of(file: Blob): Promise<Pdf> {
    const pdf = new Pdf(file);
    pdf.#pages = (await pdf.#open).numPages;
    return pdf;
  }

  /** The same file for another reader: a search would take the pages away from who looks at them. */
  again(): Promise<Pdf> {
    return Pdf.of(this.#file);
  }

  get pages(): number {
    return this.#pages;
  }

  /** A page, good until the next one is asked for. */
  async page(number: number): Promise<PDFPageProxy> {
    if (this.#handed > KEPT) {
      const old = this.#open;
      this.#handed = 0;
      this.#open = old.then((document) => document.loadingTask.destroy()).then(() => this.#begin());
    }
    return (await this.#open).getPage(number);
  }

  /** What reads the file; PaperLost where a part cannot be read: pdf.js itself would wait for it for ever. */
  reading<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#lost, work]);
  }

  /** Whether the file brings scripts. They are never run here. */
  async hasScripts(): Promise<boolean> {
    const document = await this.#open;
    // `hasJSActions` takes every signature field for a script, so the actions themselves are counted.
    if (count(await document.getJSActions()) > 0) return true;
    const fields = (await document.getFieldObjects()) as unknown;
    const groups: unknown[] = fields instanceof Map ? [...fields.values()] : Object.values(fields ?? {});
    return groups.flat().some((field) => typeof field === "object" && field !== null && "actions" in field && count(field.actions) > 0);
  }

  async close(): Promise<void> {
    await (await this.#open).loadingTask.destroy();
  }

  async #begin(): Promise<PDFDocumentProxy> {
    const { pdfjs, worker } = await (library ??= load().catch((error: unknown) => {
      library = undefined;
      throw error;
    }));
    const range = new pdfjs.PDFDataRangeTransport(this.#file.size, null);
    range.requestDataRange = (begin, end) => {
      this.#handed += end - begin;
      part(this.#file, begin, end).then(
        (octets) => range.onDataRange(begin, octets),
        () => this.#lose(new PaperLost()),
      );
    };
    const loading = pdfjs.getDocument({
      worker,
      range,
      rangeChunkSize: CHUNK,
      disableStream: true,
      enableXfa: false,
      useWasm: false,
      useWorkerFetch: false,
      disableAutoFetch: true,
      BinaryDataFactory: Files,
      // The factory has every file; pdf.js only asks it where it thinks that there is an address.
      cMapUrl: "/",
      standardFontDataUrl: "/",
    });
    try {
      return await this.reading(loading.promise);
    } catch (error) {
      await loading.destroy();
      if (error instanceof PaperLost) throw error;
      throw new PdfRefused(error instanceof pdfjs.PasswordException ? "encrypted" : "broken");
    }
  }
}

function count(value: unknown): number {
  if (value instanceof Map) return value.size;
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}

/** Draw a page `width` CSS pixels wide, with who looks at it and when across it; gives its height in CSS pixels. */
export async function draw(
  page: PDFPageProxy,
  canvas: HTMLCanvasElement,
  width: number,
  mark: string,
  signal: AbortSignal,
): Promise<number> {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const scale = (width / page.getViewport({ scale: 1 }).width) * ratio;
  const viewport = page.getViewport({ scale });
  const board = document.createElement("canvas");
  [board.width, board.height] = [Math.round(viewport.width), Math.round(viewport.height)];
  const task = page.render({ canvas: board, viewport, annotationMode: 1 });
  signal.addEventListener("abort", () => task.cancel(), { once: true });
  await Promise.all([task.promise, letters(mark)]);
  const context = canvas.getContext("2d");
  if (signal.aborted || !context) return 0;
  [canvas.width, canvas.height] = [board.width, board.height];
  context.drawImage(board, 0, 0);
  watermark(context, board.width, board.height, ratio, mark);
  return board.height / ratio;
}

/** The words of a page in the file's order, a line each; what a scanner made has none. */
export function linesOf(items: readonly object[]): string[] {
  let text = "";
  for (const item of items) if ("str" in item) text += `${String(item.str)}${"hasEOL" in item && item.hasEOL ? "\n" : ""}`;
  return text.split("\n").filter((line) => line.trim() !== "");
}

type Items = Awaited<ReturnType<PDFPageProxy["getTextContent"]>>["items"];

export interface Hit {
  page: number;
  /** Items of the page's text that the words lie in. */
  items: number[];
}

export interface Found {
  hits: Hit[];
  /** Pages that could not be read, so nothing was sought there. */
  unread: number[];
}

/** Where the words stand, page by page, past those that are damaged; spaces count for nothing, because PDFs put them anywhere. */
export async function find(shown: Pdf, words: string, told: (page: number) => void, signal: AbortSignal): Promise<Found> {
  const wanted = plain(words);
  if (wanted === "") return { hits: [], unread: [] };
  const pdf = await shown.again();
  try {
    return await pdf.reading(hitsIn(pdf, wanted, told, signal));
  } finally {
    await pdf.close();
  }
}

async function hitsIn(pdf: Pdf, wanted: string, told: (page: number) => void, signal: AbortSignal): Promise<Found> {
  const [hits, unread]: [Hit[], number[]] = [[], []];
  for (let number = 1; number <= pdf.pages && !signal.aborted; number += 1) {
    told(number);
    const items = await itemsOf(pdf, number);
    if (items === null) {
      unread.push(number);
      continue;
    }
    let text = "";
    const owner: number[] = [];
    items.forEach((item, i) => {
      const piece = "str" in item ? plain(item.str) : "";
      for (const _ of piece) owner.push(i);
      text += piece;
    });
    const characters = [...text];
    const needle = [...wanted];
    for (let at = 0; at + needle.length <= characters.length; at += 1) {
      if (needle.every((character, i) => characters[at + i] === character)) {
        hits.push({ page: number, items: [...new Set(owner.slice(at, at + needle.length))] });
      }
    }
  }
  return { hits, unread };
}

/** null: the page is damaged. A file that cannot be opened anew is refused as a whole. */
async function itemsOf(pdf: Pdf, number: number): Promise<Items | null> {
  try {
    return (await (await pdf.page(number)).getTextContent()).items;
  } catch (error) {
    if (error instanceof PdfRefused || error instanceof PaperLost) throw error;
    return null;
  }
}

const plain = (text: string): string => text.normalize("NFKC").toLowerCase().replace(/\s+/g, "");
