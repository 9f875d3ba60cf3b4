export { createKeyPair, type KeyFiles, type NewKeyPair, type WrittenKeys, writeKeyPair } from './key-pair.ts';
export { startTestServer, type TestServer, type TestServerOptions } from './test-server.ts';
