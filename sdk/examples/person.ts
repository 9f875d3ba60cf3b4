import { authorizeWithLoopback, createAgent } from '@taskgrant/sdk/agent';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = '' } = process.env;
const agent = createAgent({ issuer: ISSUER, clientId: CLIENT_ID });

const task = await authorizeWithLoopback(agent, {
  description: 'Read my reports',
  scope: 'reports:read',
  onUrl: (url) => console.log(`Open this address to sign in:\n${url}`),
});
console.log(`You allowed: ${task.scope.join(' ')}`);
await task.complete();
