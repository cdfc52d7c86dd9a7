/** What a member may put to the committee, the bidders or the supervisor, and the act that each form signs. */
export const ACTS = { motion: ["motion.open"], question: ["clarification.ask"], time: ["extension.ask"] };
export type Form = keyof typeof ACTS;
export const FORMS = Object.keys(ACTS) as Form[];
