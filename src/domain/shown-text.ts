/**
 * Control characters, separators that some readers take for line ends, and marks that reorder text: what makes a name
 * look like another one, or a line like two.
 */
export const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** Prose of strangers that people will read: none of them, but for the marks that right-to-left prose needs. */
export const SHOWN_TEXT = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u;

/** Whatever shows nothing, or has what stands beside it read in another order: more than names are refused for. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
