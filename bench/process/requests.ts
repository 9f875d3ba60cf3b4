import { Agent, request } from 'node:http';

/** For preparations: many requests on kept connections, with less effort than fetch. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export interface Sent {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The parsed answer. @throws Error unless it is 2xx. */
export function ask<T>({ url, method = 'POST', headers = {}, body }: Sent): Promise<T> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode = 0 } = response;
        if (statusCode < 200 || statusCode > 299)
          reject(new Error(`${method} ${url}: ${statusCode} ${text}`));
        else resolve((text === '' ? undefined : JSON.parse(text)) as T);
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** RFC 6749 §2.3.1: both parts are form-encoded first. */
export function basic(id: string, secret: string): { authorization: string } {
  const pair = [id, secret].map(encodeURIComponent).join(':');
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

export function form(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString();
}

/** Makes `count` things, 48 at a time, in order of their numbers. @throws what the first failure throws. */
export async function makeMany<T>(count: number, make: (number: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let number = next++; number < count; number = next++) made[number] = await make(number);
  };
  await Promise.all(Array.from({ length: Math.min(48, count) }, worker));
  return made;
}
