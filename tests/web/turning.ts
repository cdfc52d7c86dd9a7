/** When a turned page is shown, with frames that are made up here. Run by test_live_line.py. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { effectScope, shallowReactive, type EffectScope, type ShallowRef } from "../../web/client/node_modules/vue/index.mjs";
import { measured, serverClock } from "../../web/client/src/live/clock.ts";
import type { Page, View } from "../../web/client/src/live/view.ts";
import { TURN_MS, usePageOnShow } from "../../web/client/src/screens/turning.ts";
import type { Proceeding } from "../../web/client/src/state/proceeding.ts";

const window = { hidden: false };
const frames = new Map<number, (at: number) => void>();
let last = 0;
Object.assign(globalThis, {
  document: window,
  requestAnimationFrame: (frame: (at: number) => void) => frames.set((last += 1), frame) && last,
  cancelAnimationFrame: (id: number) => frames.delete(id),
});

function draw(): void {
  for (const [id, frame] of frames) {
    frames.delete(id);
    frame(performance.now());
  }
}

interface Seat {
  view: View;
  scope: EffectScope;
  shown: Readonly<ShallowRef<Page | null>>;
}

function seat(page: Page | null = null): Seat {
  const view = shallowReactive({ page }) as unknown as View;
  const scope = effectScope();
  const shown = scope.run(() => usePageOnShow({ id: "p", view } as Proceeding));
  assert.ok(shown);
  return { view, scope, shown };
}

/** Stated so many ms ago by the server's clock. */
const turned = (page: number, ago = 0): Page => ({ document: "AA", page, at: new Date(serverClock() - ago).toISOString() });

async function until(condition: () => boolean, between = draw): Promise<void> {
  for (let n = 0; !condition(); n += 1) {
    assert.ok(n < 2000, "in vain");
    await pause(5);
    between();
  }
}

test("is shown at its moment, by the server's clock, and not before", async () => {
  measured(3_600_000);
  const { view, shown } = seat();
  view.page = turned(2);
  const due = Date.parse(view.page.at) + TURN_MS;
  await pause();
  assert.equal(shown.value, null);
  await until(() => shown.value?.page === 2);
  assert.ok(serverClock() >= due - 1);
  measured(0);
});

test("who comes later, or hears of it later, sees it at once", async () => {
  const { view, shown } = seat(turned(3, TURN_MS));
  assert.equal(shown.value?.page, 3);
  view.page = turned(4, 60_000);
  await pause();
  assert.equal(shown.value?.page, 4);
  view.page = null;
  await pause();
  assert.equal(shown.value, null);
});

test("a clock that is hours behind holds no page up", async () => {
  measured(-7_200_000);
  const { view, shown } = seat();
  view.page = { ...turned(5), at: new Date().toISOString() };
  await until(() => shown.value?.page === 5);
  measured(0);
});

test("turned twice in a moment, the page between is not shown", async () => {
  const { view, shown } = seat(turned(1, 60_000));
  view.page = turned(2);
  await until(() => frames.size === 1, () => undefined);
  view.page = turned(3);
  await pause();
  assert.equal(frames.size, 0);
  const seen = new Set<number | undefined>();
  await until(() => seen.add(shown.value?.page).has(3));
  assert.deepEqual([...seen], [1, 3]);
});

test("a window that is covered has no frames to wait for", async () => {
  window.hidden = true;
  const { view, shown } = seat();
  view.page = turned(6);
  await pause();
  assert.equal(shown.value?.page, 6);
  window.hidden = false;
});

test("who has left sees nothing any more", async () => {
  const [gone, here] = [seat(), seat()];
  gone.view.page = here.view.page = turned(7);
  await pause();
  gone.scope.stop();
  await until(() => here.shown.value?.page === 7);
  assert.equal(gone.shown.value, null);
});
