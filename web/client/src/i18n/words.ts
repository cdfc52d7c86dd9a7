/** The shape of a language: what `zh.ts` of an area has, its `en.ts` must have, too. */
export type Shape<T> = { [K in keyof T]: T[K] extends string ? string : Shape<T[K]> };
