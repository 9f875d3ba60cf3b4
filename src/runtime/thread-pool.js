// Plain JavaScript: it has to be told before anything uses a thread.

/**
 * Node has four. Passwords may take two of them, names that are looked up half of all: with four there would be none for
 * signing tokens and reading files while names do not resolve.
 */
const THREADS = '12';

export function widenThreadPool() {
  // Worker processes look there, too.
  process.env.UV_THREADPOOL_SIZE ??= THREADS;
}
