/** Lets Node have more threads than four, unless UV_THREADPOOL_SIZE is set. To be called before any thread is used. */
export function widenThreadPool(): void;
