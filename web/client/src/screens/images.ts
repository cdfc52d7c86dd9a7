/** Server-rendered page images: their octets, the digest of these very octets, and the decoded picture. */
import { hex } from "../api/base64.ts";
import { octets } from "../api/call.ts";
import type { GetPageImageData } from "../api/generated/index.ts";

export interface PageImage {
  document: string;
  page: number;
  /** SHA-256 of the PNG octets, base64url. */
  image: string;
  picture: ImageBitmap;
}

/** Pages that were just looked at: leafing back costs no line. */
const KEPT = 12;
const kept = new Map<string, PageImage | Promise<PageImage>>();

/** The image itself where it is at hand: then there is nothing to wait for. */
export function pageImage(proceeding: string, document: string, page: number): PageImage | Promise<PageImage> {
  const key = `${proceeding}/${document}/${page}`;
  const found = kept.get(key) ?? load(proceeding, document, page);
  kept.delete(key);
  kept.set(key, found);
  if (found instanceof Promise) {
    found.then(
      (image) => kept.get(key) === found && kept.set(key, image),
      () => kept.delete(key),
    );
  }
  for (const old of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(old);
  }
  return found;
}

async function load(proceeding: string, document: string, page: number): Promise<PageImage> {
  const path = { id: proceeding, sha256: hex(document), page };
  const data = await octets<GetPageImageData>("GET", "/v1/proceedings/{id}/documents/{sha256}/pages/{page}.png", { path });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const image = btoa(String.fromCharCode(...digest)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return { document, page, image, picture: await createImageBitmap(new Blob([data], { type: "image/png" })) };
}
