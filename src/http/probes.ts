/**
 * What load balancers and supervisors ask. Neither counted nor refused: whoever shares their address could have a whole
 * server taken out of service, and a restart makes nobody ask less. So nothing may be spent or stored for them.
 */
const PROBES: readonly string[] = ['/health/live', '/health/ready', '/health'];

export function isProbe(path: string): boolean {
  return PROBES.includes(path);
}
