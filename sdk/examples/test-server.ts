import { startTestServer } from '@taskgrant/sdk/dev';

// Without a directory: the package taskgrant, where it is installed.
await using server = await startTestServer({ directory: process.env['TASKGRANT_DIR'] });
const metadata = await fetch(`${server.issuer}/.well-known/oauth-authorization-server`);
console.log(((await metadata.json()) as { issuer: string }).issuer === server.issuer);
