/** How SentencePiece spells a space. */
export const spaceMark = '\u2581'
