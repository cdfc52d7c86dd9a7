/** Says something to those who hear the page; the shell holds the one live region. */
import { ref } from "vue";

export const announced = ref("");

export function announce(text: string): void {
  // The same words twice are said twice.
  announced.value = "";
  setTimeout(() => (announced.value = text), 50);
}
