/** Refuses a build whose chunks import each other in a circle: whichever comes first finds the other not yet run. */
import type { Plugin } from "vite";

export function acyclic(): Plugin {
  return {
    name: "acyclic",
    generateBundle(_options, bundle) {
      const done = new Set<string>();
      const walk = (name: string, way: readonly string[]): void => {
        if (way.includes(name)) this.error(`chunks import each other: ${[...way.slice(way.indexOf(name)), name].join(" -> ")}`);
        const chunk = bundle[name];
        if (done.has(name) || chunk?.type !== "chunk") return;
        for (const next of chunk.imports) walk(next, [...way, name]);
        done.add(name);
      };
      for (const name of Object.keys(bundle)) walk(name, []);
    },
  };
}
