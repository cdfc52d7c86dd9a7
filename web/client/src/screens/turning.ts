/** When a turned page is shown: everywhere in the same moment, however long the way to each city is. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from "vue";
import { serverClock } from "../live/clock.ts";
import type { Page } from "../live/view.ts";
import type { Proceeding } from "../state/proceeding.ts";
import { pageImage } from "./images.ts";

/**
 * So long after its entry: by then the page and its picture are at every seat whose line is good. ITU-T G.114 has 150 ms
 * as the delay of a voice that people do not notice; the presenter's own voice is no sooner there.
 */
export const TURN_MS = 150;

/** A frame of most screens. */
const FRAME_MS = 1000 / 60;

/** The page on show, from the first frame at its moment on. Who comes later, or whose line is slower, shows it at once. */
export function usePageOnShow(proceeding: Proceeding): Readonly<ShallowRef<Page | null>> {
  const shown = shallowRef<Page | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;
  const cancel = (): void => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  };
  const next = (page: Page | null): void => {
    cancel();
    const show = (): void => void (shown.value = page);
    // A clock that is off, or not measured yet, may not hold a page up for longer.
    const early = page ? Math.min(Date.parse(page.at) + TURN_MS - serverClock(), TURN_MS) : 0;
    // A window that is covered has no frames.
    if (!page || early <= 0 || document.hidden) return show();
    // Its picture comes meanwhile; where it fails, whoever shows it says so.
    void pageImage(proceeding.id, page.document, page.page);
    const due = performance.now() + early;
    const wait = (): void => void (frame = requestAnimationFrame((at) => (at < due ? wait() : show())));
    timer = setTimeout(wait, early - FRAME_MS);
  };
  watch(() => proceeding.view?.page ?? null, next, { immediate: true });
  onScopeDispose(cancel);
  return shown;
}
