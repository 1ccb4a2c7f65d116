/** SentencePiece's character for a space. */
export const spaceMark = '\u2581'
