// Answers line by line: {"scoring","valid","sheets","lots","confirmed"} or {"entries"} -> the outcome with the ranking's digest.
import { createInterface } from "node:readline";
import { digest, fromEntries, outcome } from "../../web/client/src/ranking/ranking.ts";

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const asked = JSON.parse(line);
    answer = asked.entries
      ? fromEntries(asked.entries)
      : outcome(asked.scoring, asked.valid, asked.sheets, asked.lots, asked.confirmed);
    answer = { ...answer, digest: await digest(answer.ranking) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
