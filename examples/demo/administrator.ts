import { createHash, randomBytes } from 'node:crypto';
import type { Credentials } from './agent.ts';
import { type Answer, call, expect, list, object, type Request, text } from './http.ts';

/** What an administrator does over REST, with a token of the built-in client. */
export class Administrator {
  readonly #issuer: string;
  readonly #token: string;

  private constructor(issuer: string, token: string) {
    this.#issuer = issuer;
    this.#token = token;
  }

  static async signIn(issuer: string, secret: string): Promise<Administrator> {
    const verifier = randomBytes(32).toString('base64url');
    const answer = await call(`${issuer}/api/oauth/token`, {
      headers: { Authorization: `Basic ${Buffer.from(`taskgrant-admin:${secret}`).toString('base64')}` },
      form: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'admin:read admin:write',
        resource: `${issuer}/api`,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        task_description: 'Set up the demonstration',
      }),
    });
    return new Administrator(
      issuer,
      text(expect('the administrator signs in', answer, 200).body, 'access_token'),
    );
  }

  async createUser(email: string, name: string, permissions: string[]): Promise<string> {
    const password = randomBytes(12).toString('base64url');
    await this.#do('/api/admin/users', 201, { json: { email, name, password, permissions } });
    return password;
  }

  /** Registered with these rights and active. */
  async createAgent(name: string, permissions: string[], redirectUris: string[] = []): Promise<Credentials> {
    const { body } = await this.#do('/api/agents/register', 201, {
      json: { agent_name: name, permissions, ...(redirectUris[0] ? { redirect_uris: redirectUris } : {}) },
    });
    const credentials = object(body, 'credentials');
    const registration_token = text(credentials, 'registration_token');
    await this.#do('/api/agents/activate', 200, { json: { registration_token } });
    return {
      name,
      clientId: text(credentials, 'client_id'),
      clientSecret: text(credentials, 'client_secret'),
    };
  }

  async createResourceServer(name: string, audience: string, scopes: string[]) {
    const { body } = await this.#do('/api/admin/resource-servers', 201, {
      json: { name, audiences: [audience], scopes },
    });
    const credentials = object(body, 'credentials');
    return { clientId: text(credentials, 'client_id'), clientSecret: text(credentials, 'client_secret') };
  }

  /** From the true root down to the task, then everything below it. */
  async chain(taskId: string): Promise<Record<string, unknown>[]> {
    return list((await this.#do(`/api/admin/audit/task-chain/${taskId}`, 200)).body, 'task_details');
  }

  async tokensOf(taskId: string): Promise<Record<string, unknown>[]> {
    return list((await this.#do(`/api/admin/tokens/search?task_id=${taskId}`, 200)).body, 'tokens');
  }

  /** Oldest first. */
  async history(taskId: string): Promise<Record<string, unknown>[]> {
    return list((await this.#do(`/api/admin/audit/task/${taskId}`, 200)).body, 'history');
  }

  async #do(path: string, status: number, request: Request = {}): Promise<Answer> {
    const answer = await call(`${this.#issuer}${path}`, { token: this.#token, ...request });
    return expect(`the administrator calls ${path}`, answer, status);
  }
}
