/** What the replay makes of a log's events: rows as JSON on stdin, spans as JSON on stdout. */
import { readFileSync } from "node:fs";
import { absences, nights, pauses, type Row } from "../../web/client/src/replay/timeline.ts";

const { rows, end } = JSON.parse(readFileSync(0, "utf8")) as { rows: Row[]; end: number };
const away = Object.fromEntries(absences(rows, end));
console.log(JSON.stringify({ pauses: pauses(rows, end), nights: nights(rows, end), away }));
