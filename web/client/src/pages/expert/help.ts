/** A part of the page wants the help dialog to open with its words in it. */
import { ref } from "vue";

export const helpWanted = ref<{ kind: "device" | "document" | "procedure" | "other"; text: string } | null>(null);
