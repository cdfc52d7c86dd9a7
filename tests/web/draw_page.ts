/** What the draw's page reads and says: each question on stdin is `[verb, …]`, each answer JSON on stdout. */
import { readFileSync } from "node:fs";
import type { Draw, View } from "../../web/client/src/live/view.ts";
import { FileRefused, prepare, statement } from "../../web/client/src/pages/draw/files.ts";
import { asked, progress } from "../../web/client/src/pages/draw/progress.ts";

type Question = ["prepare", string[], View] | ["statement", string] | ["progress", Draw, number];

const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

function answer(question: Question): unknown {
  try {
    if (question[0] === "prepare") {
      const { facts, ...rest } = prepare(question[1].map(octets), question[2]);
      return { ...rest, facts: Buffer.from(facts).toString("hex") };
    }
    if (question[0] === "statement") return statement(octets(question[1]));
    return [progress(question[1], question[2]), asked(question[1])];
  } catch (error) {
    if (error instanceof FileRefused) return { code: error.code };
    throw error;
  }
}

console.log(JSON.stringify((JSON.parse(readFileSync(0, "utf8")) as Question[]).map(answer)));
