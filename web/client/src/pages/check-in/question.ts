/** The browser's own question, whether a page may use a device: nobody may see it, and nobody need answer it. */
import { onBeforeUnmount, shallowRef } from "vue";
import { capture } from "../../call/devices.ts";

type Asked = "videoinput" | "audioinput";
const NAMES = { videoinput: "camera", audioinput: "microphone" } as const;
/** Who has not found the question by now is told where it is. */
const LONG_MS = 15_000;

export function useQuestion() {
  /** The device that the browser asks about now. */
  const asked = shallowRef<Asked | null>(null);
  /** It has been asking for long. */
  const long = shallowRef(false);
  let answer: (way: "again" | "without") => void = () => undefined;

  /** The device's track; null where the person goes on without. */
  async function ask(kind: Asked, id?: string): Promise<MediaStreamTrack | null> {
    if (!(await asks(kind))) return capture(kind, id);
    asked.value = kind;
    const timer = setTimeout(() => (long.value = true), LONG_MS);
    try {
      for (;;) {
        const track = capture(kind, id);
        const way = new Promise<"again" | "without">((resolve) => (answer = resolve));
        const first = await Promise.race([track, way]);
        if (typeof first !== "string") return first;
        // Whoever answers this one later switches nothing on.
        track.then((late) => late.stop()).catch(() => undefined);
        if (first === "without") return null;
      }
    } finally {
      clearTimeout(timer);
      [asked.value, long.value] = [null, false];
    }
  }

  onBeforeUnmount(() => answer("without"));
  return { asked, long, ask, again: () => answer("again"), without: () => answer("without") };
}

/** Whether the browser will ask first; one that does not say is taken to. */
async function asks(kind: Asked): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: NAMES[kind] })).state === "prompt";
  } catch {
    return navigator.mediaDevices !== undefined;
  }
}
