/** Removes and stops what global-setup.ts has made and started. */
export default async function teardown(): Promise<void> {
  await globalThis.testTemplate?.drop();
  await globalThis.testPostgres?.stop();
}
