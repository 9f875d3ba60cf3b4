import type { AppSettings } from './app/context.ts';
import type { Config } from './config/config.ts';

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
    allowedDelegations: config.policies.allowedDelegations,
    defaultPermissions: config.registration.defaultPermissions,
    defaultTools: config.registration.defaultTools,
    defaultResources: config.registration.defaultResources,
    registration: config.registration.mode,
    registrationTokenSeconds: lifetimes.registrationToken,
    secretOverlapSeconds: lifetimes.secretOverlap,
  };
}
