import type { AppSettings } from '../app/context.ts';
import type { Config } from '../config/config.ts';
import { policiesOf } from '../config/policies.ts';
import { builtInPermissions } from '../domain/built-in-catalogue.ts';

/** What of the configuration the use cases need. */
export function appSettings(config: Config): AppSettings {
  const { lifetimes, tasks } = config;
  return {
    issuer: config.issuer,
    limits: {
      accessTokenSeconds: lifetimes.accessToken,
      refreshTokenSeconds: lifetimes.refreshToken,
      handOffSeconds: lifetimes.handOff,
      taskDefaultSeconds: lifetimes.task,
      taskMaxSeconds: lifetimes.taskMax,
      codeTaskSeconds: lifetimes.codeTask,
      refreshGraceSeconds: lifetimes.refreshGrace,
      maxDepth: tasks.maxDepth,
      maxChildren: tasks.maxChildren,
    },
    defaultAudience: config.defaultResource,
    adminAudience: config.apiAudience,
    policies: policiesOf(config),
    defaultPermissions: config.registration.defaultPermissions,
    defaultTools: config.registration.defaultTools,
    defaultResources: config.registration.defaultResources,
    catalogue: new Map([
      ...builtInPermissions(),
      ...Object.entries(config.scopes).map(([name, { description }]) => [name, description] as const),
    ]),
    registration: config.registration.mode,
    registrationTokenSeconds: lifetimes.registrationToken,
    secretOverlapSeconds: lifetimes.secretOverlap,
    webhooks: {
      perAgent: config.webhooks.perAgent,
      secretOverlapSeconds: config.webhooks.secretOverlap,
    },
  };
}
