/** The level of a microphone, and a tone for the loudspeaker: both on one audio context, without any worklet. */

/** Below this a microphone is silent (dB of full scale): room noise of an office is near -60. */
export const SILENT_DB = -55;
/** Above this it is overdriven. */
export const CLIPPED_DB = -1;
const PERIOD_MS = 100;
// Chromium knows `sinkId` from 110 on, TypeScript's description of the DOM not yet.
const SILENT: AudioContextOptions & { sinkId: { type: "none" } } = { latencyHint: "playback", sinkId: { type: "none" } };

export class Meter {
  // It plays nothing: no loudspeaker is opened for it, and none of one's haste is needed.
  #context = new AudioContext(SILENT);
  #timer: ReturnType<typeof setInterval>;
  #source: MediaStreamAudioSourceNode;

  constructor(track: MediaStreamTrack, tell: (db: number) => void) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      tell(Math.max(-100, 10 * Math.log10(sum / samples.length + 1e-10)));
    }, PERIOD_MS);
    // A page that was not clicked yet may not begin a context; the first click lets it.
    void this.#context.resume().catch(() => undefined);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#source.disconnect();
    void this.#context.close().catch(() => undefined);
  }
}

/** Three rising notes: people recognise them better than one. */
export async function playTone(): Promise<void> {
  const context = new AudioContext();
  await context.resume();
  const gain = context.createGain();
  gain.connect(context.destination);
  gain.gain.value = 0.2;
  const notes = [523.25, 659.25, 783.99];
  for (const [index, frequency] of notes.entries()) {
    const note = context.createOscillator();
    note.frequency.value = frequency;
    note.connect(gain);
    note.start(context.currentTime + index * 0.35);
    note.stop(context.currentTime + index * 0.35 + 0.3);
  }
  await new Promise((resolve) => setTimeout(resolve, notes.length * 350 + 100));
  await context.close();
}
