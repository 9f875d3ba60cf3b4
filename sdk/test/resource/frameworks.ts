import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import {
  type Access,
  accessOf,
  forExpress,
  forFastify,
  forFetch,
  forHono,
  forKoa,
  forNode,
  type Guard,
} from '@taskgrant/sdk/resource';

/** An API of one framework behind a guard, on a free port. Every path answers what was accepted. */
export interface FrameworkApi {
  readonly address: string;
  stop(): Promise<void>;
}

const told = ({ clientId, task, scope }: Access) => ({ clientId, task: task.id, scope: [...scope] });

async function listening(server: Server): Promise<FrameworkApi> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The same API in each framework. `writing` guards what is below /written as well. */
export const FRAMEWORKS: Readonly<Record<string, (guard: Guard, writing: Guard) => Promise<FrameworkApi>>> = {
  async 'node:http'(guard, writing) {
    const answer = forNode(guard, (_request, response, access) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(told(access)));
    });
    const written = forNode(writing, (request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(told(accessOf(request))));
    });
    return listening(
      createServer((request, response) =>
        (request.url?.startsWith('/written') ? written : answer)(request, response),
      ),
    );
  },

  async Koa(guard, writing) {
    const app = new Koa();
    app.use(forKoa(guard));
    app.use((ctx, next) => (ctx.path.startsWith('/written') ? forKoa(writing)(ctx, next) : next()));
    app.use((ctx) => {
      ctx.body = told(accessOf(ctx));
    });
    return listening(createServer(app.callback()));
  },

  async Express(guard, writing) {
    const app = express();
    app.use(forExpress(guard));
    app.use('/written', forExpress(writing));
    app.use((request, response) => {
      response.json(told(accessOf(request)));
    });
    return listening(createServer(app));
  },

  async Fastify(guard, writing) {
    const app = fastify();
    app.addHook('onRequest', forFastify(guard));
    const handler = async (request: object) => told(accessOf(request));
    app.get('/written', { onRequest: forFastify(writing) }, handler);
    app.get('/*', handler);
    await app.listen({ port: 0, host: '127.0.0.1' });
    return listening(app.server);
  },

  async Hono(guard, writing) {
    const app = new Hono();
    app.use(forHono(guard));
    app.use('/written/*', forHono(writing));
    app.get('*', (c) => c.json(told(accessOf(c))));
    const server = await new Promise<Server>((resolve) => {
      const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
        resolve(started as Server),
      );
    });
    return listening(server);
  },

  async 'the Web Request'(guard, writing) {
    const reading = forFetch(guard, (_request, access, _context: { params: object }) =>
      Response.json(told(access)),
    );
    const written = forFetch(writing, (request) => Response.json(told(accessOf(request))));
    const app = new Hono();
    app.all('*', ({ req }) =>
      req.path.startsWith('/written') ? written(req.raw) : reading(req.raw, { params: {} }),
    );
    const server = await new Promise<Server>((resolve) => {
      const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
        resolve(started as Server),
      );
    });
    return listening(server);
  },
};
