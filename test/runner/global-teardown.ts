/** Stops the server that global-setup.ts started, if it started one. */
export default async function teardown(): Promise<void> {
  await globalThis.testPostgres?.stop();
}
