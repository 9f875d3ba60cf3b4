/** Tells a listener of the program. One that fails changes nothing: neither what it is told of, nor who else hears it. */
export function tell<News>(listener: ((news: News) => void) | undefined, news: News): void {
  try {
    listener?.(news);
  } catch {
    // A log that fails must not turn a refusal into an error.
  }
}
