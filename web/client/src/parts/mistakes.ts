/** What has to be mended in a form. */
export interface Mistake {
  /** The id of the field, empty where there is none. */
  readonly field: string;
  readonly text: string;
}

/** Its words follow the page's language, also when that is switched before the mistake is mended. */
export const mistake = (field: string, say: () => string): Mistake => ({
  field,
  get text() {
    return say();
  },
});

/** The mistake of a field, for its own line; empty where it has none. */
export const errorOf = (mistakes: readonly Mistake[], field: string): string => mistakes.find((each) => each.field === field)?.text ?? "";
