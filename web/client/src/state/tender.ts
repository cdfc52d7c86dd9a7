/** The tender's name in the top bar. Pages that have opened the definition say it; until then there is none. */
import { reactive } from "vue";

export const tender = reactive({ title: "", rehearsal: false });
