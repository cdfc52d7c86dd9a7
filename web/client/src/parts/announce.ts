/** Says something to those who hear the page; the shell holds its two live regions. */
import { ref, type Ref } from "vue";

/** Said when the page is silent. */
export const announced = ref("");
/** Said at once, whatever is being read. */
export const interrupting = ref("");

export const announce = saying(announced);
export const interrupt = saying(interrupting);

/** The same words twice are said twice; what comes at one moment is said together. */
function saying(region: Ref<string>): (text: string) => void {
  const next: string[] = [];
  return (text) => {
    region.value = "";
    if (next.push(text) === 1) setTimeout(() => (region.value = next.splice(0).join(" ")), 50);
  };
}
