/** A stream's pictures on a canvas of their own size: what is shown is what came. */
import { onBeforeUnmount, onMounted, shallowRef, watch, type ShallowRef } from "vue";

/**
 * Sound that nobody hears is not even decoded: three muted rooms cost an old machine more than their pictures. `frame`:
 * each picture that was painted; `refused`: the browser plays no sound before somebody has touched the page.
 */
export function usePicture(
  canvas: Readonly<ShallowRef<HTMLCanvasElement | null>>,
  stream: () => MediaStream | null,
  sound: () => boolean,
  { frame, refused = () => undefined }: { frame(first: boolean): void; refused?(): void },
): Readonly<ShallowRef<boolean>> {
  const video = document.createElement("video");
  video.autoplay = true;
  video.playsInline = true;
  const picture = shallowRef(false);
  let request = 0;

  /** A line that is closed gives one black picture of four points more (Chromium); nobody has sent it. */
  const comes = (): boolean => (video.srcObject as MediaStream | null)?.getVideoTracks().some(({ readyState }) => readyState === "live") === true;

  function paint(): void {
    const board = canvas.value;
    if (board && video.videoWidth && comes()) {
      if (board.width !== video.videoWidth || board.height !== video.videoHeight) {
        board.width = video.videoWidth;
        board.height = video.videoHeight;
      }
      board.getContext("2d")?.drawImage(video, 0, 0);
      const first = !picture.value;
      picture.value = true;
      frame(first);
    }
    request = video.requestVideoFrameCallback(paint);
  }

  async function play(on: boolean): Promise<void> {
    try {
      await video.play();
    } catch (error) {
      // Any other failure is a stream that was replaced meanwhile.
      if (on && error instanceof DOMException && error.name === "NotAllowedError") refused();
    }
  }

  onMounted(() => (request = video.requestVideoFrameCallback(paint)));
  onBeforeUnmount(() => {
    video.cancelVideoFrameCallback(request);
    video.srcObject = null;
  });
  watch(
    [stream, sound] as const,
    ([found, on], [before]) => {
      if (found !== before) picture.value = false;
      video.muted = !on;
      video.srcObject = found && (on ? found : new MediaStream(found.getVideoTracks()));
      if (found) void play(on);
    },
    { immediate: true },
  );
  return picture;
}
