/** A large body with its progress: `fetch` tells nothing before the last octet has gone. */
import { OFFLINE, Problem } from "./problem.ts";

export interface Stored {
  sha256: string;
  size: number;
  pages: number;
  notes: string[];
}

/**
 * Hands a document in for a tender; `told` hears what part of it has gone, from 0 to 1. One that was given up before its
 * turn came is not sent at all: Problem `given-up`.
 */
export function upload(file: Blob, told: (part: number) => void, signal?: AbortSignal): Promise<Stored> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Problem(0, "given-up"));
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/uploads");
    request.setRequestHeader("Content-Type", "application/pdf");
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => told(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => {
      const said = request.response as (Partial<Stored> & { code?: string; detail?: string }) | null;
      if (request.status === 201 && said?.sha256) resolve(said as Stored);
      else reject(new Problem(request.status, said?.code ?? "internal", said?.detail ?? ""));
    });
    request.addEventListener("error", () => reject(new Problem(0, OFFLINE)));
    request.addEventListener("abort", () => reject(new Problem(0, "given-up")));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
