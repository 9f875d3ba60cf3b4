import type { AdapterPayload } from 'oidc-provider';
import { RecordAdapter } from './record-adapter.ts';

/** Records whose ids are no credentials: other records name them. */
export class ReferenceAdapter extends RecordAdapter {
  protected override keyOf(id: string): string {
    return id;
  }

  protected override concealed(_id: string, payload: AdapterPayload): Record<string, unknown> {
    return payload;
  }

  protected override revealed(_id: string, payload: AdapterPayload): AdapterPayload {
    return payload;
  }
}
