/** The most characters of a ground, a question, a vote's or a correction's reason: evaluation/core/clarification.py. */
export const LONGEST = 4000;
