import { isNative } from '../app/agents/redirect-uris.ts';

interface Metadata {
  application_type?: string;
  redirect_uris?: unknown;
}

/** T1–T3: editors and command-line agents name loopback or private schemes and seldom say `native`. */
export function inferApplicationType(metadata: Metadata): void {
  const { redirect_uris: uris } = metadata;
  if (Array.isArray(uris) && isNative(uris.map(String))) metadata.application_type = 'native';
}
